// The Node-API edge: turns JavaScript calls into calls of Kernel and back. Every call returns a
// small integer, a failed one -errno. Arguments are checked in TypeScript
// (src/kernel/native-kernel.ts), memory bounds here and in kernel.cc.
//
// State belongs to the object that createKernel returns, never to the module: several worker
// threads load this addon, and each may make several kernels.
#include <napi.h>
#include <sys/wait.h>

#include <cerrno>
#include <memory>
#include <string>
#include <utility>

#include "arguments.h"
#include "file_calls.h"
#include "head_scan.h"
#include "kernel_object.h"
#include "pollers.h"
#include "system.h"
#include "tls_calls.h"
#include "transport_handle.h"
#include "version.h"

namespace epoll_server {
namespace {

// ---- Calls -------------------------------------------------------------------------------------

struct Call : Arguments {
  using Arguments::Arguments;

  KernelObject* object() const { return static_cast<KernelObject*>(data); }
  Kernel& kernel() const { return *object()->kernel; }
};

// Calls that take integers and nothing else.

template <int (Kernel::*kMethod)(int)>
napi_value One(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  return call.Return((call.kernel().*kMethod)(call.Int(0)));
}

template <int (Kernel::*kMethod)(int, int32_t)>
napi_value Two(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  return call.Return((call.kernel().*kMethod)(call.Int(0), call.Int(1)));
}

template <int (Kernel::*kMethod)(int, uint32_t, uint32_t)>
napi_value Three(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  return call.Return((call.kernel().*kMethod)(call.Int(0), call.Unsigned(1), call.Unsigned(2)));
}

napi_value Listen(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  char address[64];
  if (!call.Text(0, address)) return call.Return(-EINVAL);
  return call.Return(call.kernel().Listen(address, call.Int(1), call.Int(2), call.IsTrue(3)));
}

// Adopts a descriptor that was opened for this kernel; closes it when that fails.
int AdoptOrClose(Kernel& kernel, int fd) {
  const int adopted = fd < 0 ? fd : kernel.Adopt(fd);
  if (fd >= 0 && adopted < 0) Close(fd);
  return adopted;
}

// Longer than sun_path of any system; socket.cc rejects paths that are too long.
constexpr size_t kPathBytes = 256;

napi_value ListenUnix(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  char path[kPathBytes];
  if (!call.Name(0, path)) return call.Return(-ENAMETOOLONG);
  const int fd = epoll_server::ListenUnix(path, call.Int(1), call.Int(2));
  return call.Return(AdoptOrClose(call.kernel(), fd));
}

napi_value Connect(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  char address[64];
  if (!call.Text(0, address)) return call.Return(-EINVAL);
  return call.Return(call.kernel().Connect(address, call.Int(1)));
}

napi_value ConnectUnix(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  char path[kPathBytes];
  if (!call.Name(0, path)) return call.Return(-ENAMETOOLONG);
  return call.Return(call.kernel().ConnectUnix(path));
}

napi_value ProbeUnix(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  char path[kPathBytes];
  if (!call.Name(0, path)) return call.Return(-ENAMETOOLONG);
  return call.Return(epoll_server::ProbeUnix(path));
}

// adoptListener(fd): on failure the descriptor stays open, since this program did not open it.
napi_value AdoptListener(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  const int status = PrepareListener(call.Int(0));
  return call.Return(status < 0 ? status : call.kernel().Adopt(call.Int(0)));
}

// path(fd): the path that a Unix domain socket is bound to; empty for other sockets.
napi_value Path(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  const std::string path = LocalPath(call.Int(0));
  napi_value text = nullptr;
  napi_create_string_utf8(env, path.c_str(), path.size(), &text);
  return text;
}

// send(fd, offset, length[, bytes[, bytesOffset]]): a piece of the output arena, then `bytes` from
// `bytesOffset` on.
napi_value Send(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  const uint8_t* bytes = nullptr;
  size_t size = 0;
  if (call.count > 3) {
    bytes = call.Bytes(3, &size);
    const int64_t offset = call.count > 4 ? call.Long(4) : 0;
    if (bytes == nullptr || offset < 0 || static_cast<uint64_t>(offset) > size) {
      return call.Return(-EINVAL);
    }
    bytes += offset;
    size -= static_cast<size_t>(offset);
  }
  return call.Return(
      call.kernel().Send(call.Int(0), call.Unsigned(1), call.Unsigned(2), bytes, size));
}

// attach(fd, kind[, received]): -EINVAL when `kind` is no kind of transport.
napi_value Attach(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  TransportKind* kind = TransportKindOf(env, call.values[1]);
  Bytes received = {nullptr, 0};
  if (call.count > 2) received.data = call.Bytes(2, &received.length);
  const bool is_valid = kind != nullptr && (call.count < 3 || received.data != nullptr);
  return call.Return(is_valid ? call.kernel().Attach(call.Int(0), kind, received) : -EINVAL);
}

// negotiated(fd): null when the connection has no TLS, or not yet.
napi_value GetNegotiated(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  Kernel& kernel = call.kernel();
  const int fd = call.Int(0);
  if (kernel.IsNegotiated(fd) == 1) return NegotiatedObject(env, kernel.Negotiated(fd));
  napi_value none = nullptr;
  napi_get_null(env, &none);
  return none;
}

// wireSent(fd): bytes of the wire.
napi_value WireSent(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  napi_value bytes = nullptr;
  napi_create_double(env, call.kernel().WireSent(call.Int(0)), &bytes);
  return bytes;
}

// acknowledged(fd): bytes of the wire.
napi_value Acknowledged(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  napi_value bytes = nullptr;
  napi_create_double(env, call.kernel().Acknowledged(call.Int(0)), &bytes);
  return bytes;
}

napi_value AddressObject(napi_env env, const Address& address) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("address", address.Text());
  object.Set("port", static_cast<double>(address.port));
  return object;
}

napi_value Peer(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  return AddressObject(env, call.kernel().Peer(call.Int(0)));
}

napi_value Local(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  return AddressObject(env, call.kernel().Local(call.Int(0)));
}

// transferred(fd): the bytes of an open descriptor so far, [received, sent].
napi_value Transferred(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  const Connection* connection = call.kernel().Find(call.Int(0));
  Napi::Array pair = Napi::Array::New(env, 2);
  pair[0u] = connection == nullptr ? 0.0 : static_cast<double>(connection->bytes_received);
  pair[1u] = connection == nullptr ? 0.0 : static_cast<double>(connection->bytes_sent);
  return pair;
}

napi_value Start(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  return call.Return(call.object()->Start(call.values[0]));
}

// setReferenced(1 or 0): whether the started kernel keeps the process alive.
napi_value SetReferenced(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  return call.Return(call.object()->SetReferenced(call.Int(0) != 0));
}

napi_value Stop(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  call.object()->Stop();
  return call.Return(0);
}

napi_value Destroy(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  call.object()->Stop();
  call.kernel().Shutdown();
  return call.Return(0);
}

struct Named {
  const char* name;
  napi_callback call;
};

constexpr Named kCalls[] = {
    {"wait", One<&Kernel::Wait>},
    {"add", Two<&Kernel::Add>},
    {"rearm", Two<&Kernel::Rearm>},
    {"remove", One<&Kernel::Remove>},
    {"listen", Listen},
    {"listenUnix", ListenUnix},
    {"connect", Connect},
    {"connectUnix", ConnectUnix},
    {"probeUnix", ProbeUnix},
    {"adoptListener", AdoptListener},
    {"path", Path},
    {"accept", One<&Kernel::Accept>},
    {"acceptBlocking", One<&Kernel::AcceptBlocking>},
    {"adopt", One<&Kernel::Adopt>},
    {"adoptCopy", One<&Kernel::AdoptCopy>},
    {"unblock", One<&Kernel::Unblock>},
    {"prefetch", Two<&Kernel::Prefetch>},
    {"recv", Three<&Kernel::Recv>},
    {"send", Send},
    {"sendBatch", One<&Kernel::SendBatch>},
    {"shutdown", One<&Kernel::ShutdownWrite>},
    {"reset", One<&Kernel::Reset>},
    {"close", One<&Kernel::Close>},
    {"peer", Peer},
    {"local", Local},
    {"transferred", Transferred},
    {"wireSent", WireSent},
    {"acknowledged", Acknowledged},
    {"attach", Attach},
    {"isNegotiated", One<&Kernel::IsNegotiated>},
    {"negotiated", GetNegotiated},
    {"start", Start},
    {"setReferenced", SetReferenced},
    {"stop", Stop},
    {"destroy", Destroy},
};

// Each kernel has its own functions: reading their data pointer costs less than unwrapping `this`.
void SetCall(Napi::Env env, Napi::Object object, const Named& named,
             const std::shared_ptr<KernelObject>& owner) {
  napi_value function = nullptr;
  napi_create_function(env, named.name, NAPI_AUTO_LENGTH, named.call, owner.get(), &function);
  auto* share = new std::shared_ptr<KernelObject>(owner);
  napi_add_finalizer(
      env, function, share,
      [](napi_env, void* data, void*) { delete static_cast<std::shared_ptr<KernelObject>*>(data); },
      nullptr, nullptr);
  object.Set(named.name, Napi::Value(env, function));
}

Napi::Object TraitsObject(Napi::Env env, const Traits& traits) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("name", traits.name);
  object.Set("edgeTriggered", traits.edge_triggered);
  object.Set("hasDescriptor", traits.has_descriptor);
  object.Set("seesHangup", traits.sees_hangup);
  object.Set("maxDescriptors", static_cast<double>(traits.max_descriptors));
  object.Set("busy", traits.busy);
  return object;
}

// The parts of a KernelMemory of src/kernel/kernel.ts.
SharedMemory PartsOf(const Napi::Object& memory) {
  auto control = memory.Get("control").As<Napi::Float64Array>();
  auto events = memory.Get("events").As<Napi::Int32Array>();
  auto send_ops = memory.Get("sendOps").As<Napi::Int32Array>();
  auto heads = memory.Get("heads").As<Napi::Int32Array>();
  auto output = memory.Get("output").As<Napi::Uint8Array>();
  auto input = memory.Get("input").As<Napi::Uint8Array>();
  const size_t event_capacity = events.ByteLength() / sizeof(Event);
  return {control.Data(),
          reinterpret_cast<Event*>(events.Data()),
          static_cast<int32_t>(event_capacity),
          reinterpret_cast<SendOp*>(send_ops.Data()),
          static_cast<uint32_t>(send_ops.ByteLength() / sizeof(SendOp)),
          output.Data(),
          static_cast<uint32_t>(output.ByteLength()),
          input.Data(),
          static_cast<uint32_t>(input.ByteLength() - event_capacity * kPrefetchBytes),
          heads.Data()};
}

// createKernel(backend, memory): the kernel object, or -errno.
Napi::Value CreateKernel(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  int error = 0;
  std::unique_ptr<Poller> poller = MakePoller(info[0].As<Napi::String>().Utf8Value(), &error);
  if (!poller) return Napi::Number::New(env, error);
  const auto memory = info[1].As<Napi::Object>();
  Napi::Object object = Napi::Object::New(env);
  object.Set("traits", TraitsObject(env, poller->traits()));
  // All parts are views of one block.
  const Napi::ArrayBuffer block = memory.Get("input").As<Napi::Uint8Array>().ArrayBuffer();
  auto owner = std::make_shared<KernelObject>(env, block);
  owner->kernel = std::make_unique<Kernel>(std::move(poller), PartsOf(memory));
  for (const Named& named : kCalls) SetCall(env, object, named, owner);
  return object;
}

// scanHeads(bytes, start, end, words): the scan that a kernel makes of what it receives. Returns 0
// or -EINVAL.
Napi::Value ScanHeadsOf(const Napi::CallbackInfo& info) {
  const auto bytes = info[0].As<Napi::Uint8Array>();
  const uint32_t start = info[1].As<Napi::Number>().Uint32Value();
  const uint32_t end = info[2].As<Napi::Number>().Uint32Value();
  const auto words = info[3].As<Napi::Int32Array>();
  const bool fits = start <= end && end <= bytes.ByteLength() &&
                    words.ElementLength() >= static_cast<size_t>(kHeadSlotWords);
  if (!fits) return Napi::Number::New(info.Env(), -EINVAL);
  ScanHeads(bytes.Data(), start, end, const_cast<int32_t*>(words.Data()));
  return Napi::Number::New(info.Env(), 0);
}

// reap(pid): waits for one child that has ended. Returns its number, 0 while it runs, or -errno.
napi_value Reap(napi_env env, napi_callback_info info) {
  const Arguments call(env, info);
  const int pid = call.Int(0);
  // Never "any child": those of Node.js are libuv's to wait for.
  if (pid <= 0) return call.Return(-EINVAL);
  const int result = waitpid(pid, nullptr, WNOHANG);
  return call.Return(result < 0 ? -errno : result);
}

// setParentDeathSignal(signal): 0 or -errno.
napi_value SetParentDeathSignal(napi_env env, napi_callback_info info) {
  const Arguments call(env, info);
  return call.Return(system::SetParentDeathSignal(call.Int(0)));
}

// sendDatagram(path, bytes): 0 or -errno.
napi_value SendDatagram(napi_env env, napi_callback_info info) {
  const Arguments call(env, info);
  char path[kPathBytes];
  size_t length = 0;
  const uint8_t* bytes = call.Bytes(1, &length);
  if (bytes == nullptr) return call.Return(-EINVAL);
  if (!call.Name(0, path)) return call.Return(-ENAMETOOLONG);
  return call.Return(epoll_server::SendDatagram(path, bytes, length));
}

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  Napi::Array names = Napi::Array::New(env);
  uint32_t index = 0;
  for (const std::string& name : PollerNames()) names[index++] = name;
  exports.Set("version", kVersion);
  exports.Set("abi", kAbi);
  exports.Set("backends", names);
  exports.Set("reusePortBalances", system::kReusePortBalances);
  exports.Set("createKernel", Napi::Function::New(env, CreateKernel, "createKernel"));
  exports.Set("scanHeads", Napi::Function::New(env, ScanHeadsOf, "scanHeads"));
  for (const Named& named :
       {Named{"createFiles", CreateFiles}, Named{"reap", Reap},
        Named{"setParentDeathSignal", SetParentDeathSignal}, Named{"sendDatagram", SendDatagram},
        Named{"opensslProblem", OpensslProblem}, Named{"createTls", CreateTls},
        Named{"setTicketKeys", SetTicketKeys}, Named{"tlsCounters", GetTlsCounters}}) {
    napi_value function = nullptr;
    napi_create_function(env, named.name, NAPI_AUTO_LENGTH, named.call, nullptr, &function);
    exports.Set(named.name, Napi::Value(env, function));
  }
  return exports;
}

}  // namespace
}  // namespace epoll_server

static Napi::Object InitAddon(Napi::Env env, Napi::Object exports) {
  return epoll_server::Init(env, exports);
}
NODE_API_MODULE(epoll_server, InitAddon)
