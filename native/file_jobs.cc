// File calls as jobs of libuv's thread pool, from Queue to the callback in Finish.
#include "file_jobs.h"

#include <cerrno>
#include <climits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "arguments.h"
#include "file_list.h"
#include "file_object.h"

namespace epoll_server {
namespace {

enum class Task { kLook, kOpen, kRead, kList, kDescribe };

// One call in the thread pool, with the files and the descriptor that it uses. Owned by the
// environment until Finish.
struct Job {
  // `fd_in` must be open.
  Job(const FileOwner& owner_in, Task task_in, int fd_in)
      : owner(owner_in), task(task_in), fd(fd_in) {
    owner->open.Acquire(fd);
  }
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;
  ~Job() { owner->open.Release(fd); }

  const FileOwner owner;
  const Task task;
  const int fd;
  std::string path;
  uint8_t* bytes = nullptr;
  size_t length = 0;
  int64_t position = 0;
  int result = 0;
  FileStatus status = {};
  ListBounds bounds = {};
  std::string text;  // kList: the known state; kDescribe: the names
  DirectoryNames names;
  std::vector<double> facts;
  napi_ref done = nullptr;
  napi_ref memory = nullptr;  // what `bytes` points into
  napi_async_work work = nullptr;
};

void Execute(napi_env, void* data) {
  auto* job = static_cast<Job*>(data);
  FileSystem* system = &job->owner->system;
  const char* path = job->path.c_str();
  switch (job->task) {
    case Task::kLook:
      job->result = LookBeneath(system, job->fd, path, true, &job->status);
      break;
    case Task::kOpen:
      job->result = OpenBeneath(system, job->fd, path, true, &job->status);
      break;
    case Task::kRead:
      job->result = ReadFile(job->fd, job->bytes, job->length, job->position, true);
      break;
    case Task::kList:
      job->result = ListBeneath(system, job->fd, path, job->bounds, job->text, &job->names);
      break;
    case Task::kDescribe:
      job->result = DescribeBeneath(system, job->fd, path, job->text, &job->facts);
      break;
  }
}

// Moves the memory of `container` to JavaScript without a copy: a million names are megabytes.
template <typename Container>
napi_value BytesOf(napi_env env, Container&& container) {
  napi_value bytes = nullptr;
  const size_t size = container.size() * sizeof(container[0]);
  if (size == 0) {
    napi_create_buffer(env, 0, nullptr, &bytes);
    return bytes;
  }
  auto* kept = new Container(std::move(container));
  const auto release = [](napi_env, void*, void* hint) { delete static_cast<Container*>(hint); };
  napi_create_external_buffer(env, size, &(*kept)[0], release, kept, &bytes);
  return bytes;
}

// { text, starts, isCut, state }
napi_value ListOf(napi_env env, DirectoryNames&& names) {
  napi_value list = nullptr;
  napi_value is_cut = nullptr;
  napi_value state = nullptr;
  napi_create_object(env, &list);
  napi_get_boolean(env, names.is_cut, &is_cut);
  napi_create_string_latin1(env, names.state.c_str(), names.state.size(), &state);
  napi_set_named_property(env, list, "text", BytesOf(env, std::move(names.text)));
  napi_set_named_property(env, list, "starts", BytesOf(env, std::move(names.starts)));
  napi_set_named_property(env, list, "isCut", is_cut);
  napi_set_named_property(env, list, "state", state);
  return list;
}

// The second argument of `done`, beside the result.
napi_value DetailsOf(napi_env env, Job* job) {
  napi_value nothing = nullptr;
  napi_get_undefined(env, &nothing);
  if (job->result != 0) return nothing;
  if (job->task == Task::kList) return ListOf(env, std::move(job->names));
  return job->task == Task::kDescribe ? BytesOf(env, std::move(job->facts)) : nothing;
}

// Runs on the thread of JavaScript. A descriptor that arrives after destroy() is closed.
void Finish(napi_env env, napi_status status, void* data) {
  const std::unique_ptr<Job> job(static_cast<Job*>(data));
  FileObject& files = *job->owner;
  int result = status == napi_ok ? job->result : -ECANCELED;
  if (job->task == Task::kOpen && result >= 0) {
    if (files.destroyed) {
      CloseFile(std::exchange(result, -EBADF));
    } else {
      files.open.Opened(result);
    }
  }
  if (result >= 0 && (job->task == Task::kLook || job->task == Task::kOpen)) {
    files.WriteStatus(job->status);
  }
  napi_value done = nullptr;
  napi_value receiver = nullptr;
  napi_value arguments[2] = {};
  napi_get_reference_value(env, job->done, &done);
  napi_get_undefined(env, &receiver);
  napi_create_int32(env, result, &arguments[0]);
  arguments[1] = DetailsOf(env, job.get());
  napi_call_function(env, receiver, done, 2, arguments, nullptr);
  napi_delete_reference(env, job->done);
  if (job->memory != nullptr) napi_delete_reference(env, job->memory);
  napi_delete_async_work(env, job->work);
}

// Queues `job` and takes ownership of it. Returns 0 or -errno.
int Queue(napi_env env, std::unique_ptr<Job> job, napi_value done, napi_value memory) {
  napi_valuetype type = napi_undefined;
  napi_typeof(env, done, &type);
  if (type != napi_function) return -EINVAL;
  napi_value name = nullptr;
  napi_create_string_utf8(env, "epoll-server:file", NAPI_AUTO_LENGTH, &name);
  Job* raw = job.get();
  if (napi_create_async_work(env, nullptr, name, Execute, Finish, raw, &raw->work) != napi_ok) {
    return -ENOMEM;
  }
  napi_create_reference(env, done, 1, &raw->done);
  if (memory != nullptr) napi_create_reference(env, memory, 1, &raw->memory);
  napi_queue_async_work(env, raw->work);
  job.release();
  return 0;
}

napi_value QueuePath(napi_env env, napi_callback_info info, Task task) {
  const Arguments call(env, info);
  const FileOwner& owner = *static_cast<FileOwner*>(call.data);
  char path[PATH_MAX];
  if (!owner->open.IsOpen(call.Int(0))) return call.Return(-EBADF);
  if (!call.Name(1, path)) return call.Return(-ENAMETOOLONG);
  auto job = std::make_unique<Job>(owner, task, call.Int(0));
  job->path = path;
  return call.Return(Queue(env, std::move(job), call.values[2], nullptr));
}

}  // namespace

napi_value LookLater(napi_env env, napi_callback_info info) {
  return QueuePath(env, info, Task::kLook);
}

napi_value OpenLater(napi_env env, napi_callback_info info) {
  return QueuePath(env, info, Task::kOpen);
}

napi_value ListLater(napi_env env, napi_callback_info info) {
  const Arguments call(env, info);
  const FileOwner& owner = *static_cast<FileOwner*>(call.data);
  char path[PATH_MAX];
  char known[kMaxStateBytes];
  if (!owner->open.IsOpen(call.Int(0))) return call.Return(-EBADF);
  if (!call.Name(1, path)) return call.Return(-ENAMETOOLONG);
  if (!call.Text(5, known)) return call.Return(-EINVAL);
  auto job = std::make_unique<Job>(owner, Task::kList, call.Int(0));
  job->path = path;
  job->bounds = {call.Unsigned(2), call.Unsigned(3), call.IsTrue(4)};
  job->text = known;
  return call.Return(Queue(env, std::move(job), call.values[6], nullptr));
}

napi_value DescribeLater(napi_env env, napi_callback_info info) {
  const Arguments call(env, info);
  const FileOwner& owner = *static_cast<FileOwner*>(call.data);
  char path[PATH_MAX];
  size_t size = 0;
  const uint8_t* names = call.Bytes(2, &size);
  if (names == nullptr || size == 0 || names[size - 1] != 0) return call.Return(-EINVAL);
  if (!owner->open.IsOpen(call.Int(0))) return call.Return(-EBADF);
  if (!call.Name(1, path)) return call.Return(-ENAMETOOLONG);
  auto job = std::make_unique<Job>(owner, Task::kDescribe, call.Int(0));
  job->path = path;
  job->text.assign(names, names + size);
  return call.Return(Queue(env, std::move(job), call.values[3], nullptr));
}

napi_value ReadLater(napi_env env, napi_callback_info info) {
  const Arguments call(env, info);
  const FileOwner& owner = *static_cast<FileOwner*>(call.data);
  size_t length = 0;
  uint8_t* bytes = call.Piece(1, &length);
  if (bytes == nullptr) return call.Return(-EINVAL);
  if (!owner->open.IsOpen(call.Int(0))) return call.Return(-EBADF);
  auto job = std::make_unique<Job>(owner, Task::kRead, call.Int(0));
  job->bytes = bytes;
  job->length = length;
  job->position = call.Long(4);
  return call.Return(Queue(env, std::move(job), call.values[5], call.values[1]));
}

}  // namespace epoll_server
