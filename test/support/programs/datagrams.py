# Prints what arrives at a Unix domain socket for datagrams, which Node.js does not have: one line in JSON each.
import json, socket, sys

receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiver.bind(sys.argv[1])
print("bound", flush=True)
while True:
    print(json.dumps(receiver.recv(65536).decode("utf-8")), flush=True)
