"""Slow clients, in Python since it can make their receive buffers small: then responses do not wait in the kernel.

python3 slow_clients.py readers|uploads PORT COUNT BYTES: readers read nothing; an upload sends BYTES at once, and then
a little each second.
"""

import socket
import sys
import time

DRIP = b"x" * 512

kind, port, count, first = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
READ = b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n"
UPLOAD = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10000000\r\n\r\n" + b"x" * first
clients = []
for _ in range(count):
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect(("127.0.0.1", port))
    client.sendall(READ if kind == "readers" else UPLOAD)
    clients.append(client)
print("all have begun", flush=True)
while kind == "uploads":
    time.sleep(1)
    for client in clients:
        client.sendall(DRIP)
sys.stdin.read()
