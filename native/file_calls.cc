// The Node-API edge of files: the calls that return their result at once, and the files object.
#include "file_calls.h"

#include <sys/resource.h>

#include <cerrno>
#include <climits>
#include <memory>

#include "arguments.h"
#include "file_jobs.h"
#include "file_object.h"

namespace epoll_server {
namespace {

struct Call : Arguments {
  using Arguments::Arguments;

  FileObject& files() const { return **static_cast<FileOwner*>(data); }

  bool IsOpen(int index) const { return files().open.IsOpen(Int(index)); }

  // The path in argument 1, below the root in argument 0. Returns 0 or -errno.
  int Path(char (&path)[PATH_MAX]) const {
    if (!IsOpen(0)) return -EBADF;
    return Name(1, path) ? 0 : -ENAMETOOLONG;
  }
};

// ---- Calls -------------------------------------------------------------------------------------

napi_value OpenRootCall(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  char path[PATH_MAX];
  if (call.files().destroyed) return call.Return(-EBADF);
  if (!call.Text(0, path)) return call.Return(-ENAMETOOLONG);
  FileStatus status = {};
  const int root = OpenRoot(path, &status);
  if (root >= 0) call.files().WriteStatus(status);
  return call.Return(call.files().open.Opened(root));
}

napi_value Look(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  char path[PATH_MAX];
  int result = call.Path(path);
  FileStatus status = {};
  if (result == 0) result = LookBeneath(&call.files().system, call.Int(0), path, false, &status);
  if (result == 0) call.files().WriteStatus(status);
  return call.Return(result);
}

napi_value LookAt(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  if (!call.IsOpen(0)) return call.Return(-EBADF);
  FileStatus status = {};
  const int result = LookAtOpen(call.Int(0), &status);
  if (result == 0) call.files().WriteStatus(status);
  return call.Return(result);
}

napi_value Open(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  char path[PATH_MAX];
  int result = call.Path(path);
  FileStatus status = {};
  if (result == 0) result = OpenBeneath(&call.files().system, call.Int(0), path, false, &status);
  if (result >= 0) call.files().WriteStatus(status);
  return call.Return(call.files().open.Opened(result));
}

napi_value Read(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  size_t length = 0;
  uint8_t* bytes = call.Piece(1, &length);
  if (bytes == nullptr) return call.Return(-EINVAL);
  if (!call.IsOpen(0)) return call.Return(-EBADF);
  return call.Return(ReadFile(call.Int(0), bytes, length, call.Long(4), false));
}

napi_value Resident(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  const int64_t length = call.Long(2);
  if (length < 0) return call.Return(-EINVAL);
  if (!call.IsOpen(0)) return call.Return(-EBADF);
  return call.Return(
      IsResident(&call.files().system, call.Int(0), call.Long(1), static_cast<size_t>(length)));
}

napi_value Close(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  return call.Return(call.files().open.Close(call.Int(0)));
}

napi_value Destroy(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  call.files().destroyed = true;
  call.files().open.CloseAll();
  return call.Return(0);
}

// The limit of open descriptors of this process; 0: unknown.
double DescriptorLimit() {
  rlimit limit = {};
  return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? static_cast<double>(limit.rlim_cur) : 0;
}

// ---- The object --------------------------------------------------------------------------------

struct Named {
  const char* name;
  napi_callback call;
};

constexpr Named kCalls[] = {
    {"openRoot", OpenRootCall},
    {"look", Look},
    {"lookAt", LookAt},
    {"open", Open},
    {"read", Read},
    {"isResident", Resident},
    {"close", Close},
    {"lookLater", LookLater},
    {"openLater", OpenLater},
    {"readLater", ReadLater},
    {"listLater", ListLater},
    {"describeLater", DescribeLater},
    {"destroy", Destroy},
};

void SetCall(napi_env env, napi_value object, const Named& named, const FileOwner& owner) {
  auto* share = new FileOwner(owner);
  napi_value function = nullptr;
  napi_create_function(env, named.name, NAPI_AUTO_LENGTH, named.call, share, &function);
  napi_add_finalizer(
      env, function, share,
      [](napi_env, void* data, void*) { delete static_cast<FileOwner*>(data); }, nullptr, nullptr);
  napi_set_named_property(env, object, named.name, function);
}

}  // namespace

napi_value CreateFiles(napi_env env, napi_callback_info) {
  const FileOwner owner = std::make_shared<FileObject>(env);
  napi_value object = nullptr;
  napi_value memory = nullptr;
  napi_value array = nullptr;
  void* words = nullptr;
  napi_create_object(env, &object);
  napi_create_arraybuffer(env, FileObject::kStatusWords * sizeof(double), &words, &memory);
  napi_create_typedarray(env, napi_float64_array, FileObject::kStatusWords, memory, 0, &array);
  owner->status = static_cast<double*>(words);
  napi_create_reference(env, array, 1, &owner->status_array);
  napi_set_named_property(env, object, "status", array);
  napi_value limit = nullptr;
  napi_create_double(env, DescriptorLimit(), &limit);
  napi_set_named_property(env, object, "descriptorLimit", limit);
  for (const Named& named : kCalls) SetCall(env, object, named, owner);
  return object;
}

}  // namespace epoll_server
