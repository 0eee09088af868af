// Files in huge pages: a memfd that is collapsed into them (MADV_COLLAPSE, Linux 6.1), which an
// unprivileged process may ask for whatever the administrator set for shared memory by default.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "file.h"

namespace epoll_server {
namespace {

// With pages of 4 KiB, on every architecture. Where pages are larger, huge ones are too large.
constexpr size_t kHugePage = 2 << 20;
constexpr int64_t kSmallPage = 4096;

// Older headers lack these: memfd_create(2), fcntl(2), madvise(2).
constexpr unsigned kCloseOnExec = 0x0001;
constexpr unsigned kAllowSealing = 0x0002;
constexpr unsigned kNoExecSeal = 0x0008;
constexpr int kAddSeals = 1033;
constexpr int kEverySeal = 0x0001 | 0x0002 | 0x0004 | 0x0008;  // seal, shrink, grow, write
constexpr int kCollapse = 25;

int CreateMemory() {
  long memory =
      syscall(SYS_memfd_create, "epoll-server", kCloseOnExec | kAllowSealing | kNoExecSeal);
  // Linux before 6.3 does not know that nobody executes it.
  if (memory < 0 && errno == EINVAL) {
    memory = syscall(SYS_memfd_create, "epoll-server", kCloseOnExec | kAllowSealing);
  }
  return memory < 0 ? -errno : static_cast<int>(memory);
}

// Addresses for a mapping that begins where a huge page does; given back with it.
class Mapping {
 public:
  Mapping(int memory, size_t size) : size_((size + kHugePage - 1) / kHugePage * kHugePage) {
    reserved_ = mmap(nullptr, size_ + kHugePage, PROT_NONE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (reserved_ == MAP_FAILED) return;
    const uintptr_t first = reinterpret_cast<uintptr_t>(reserved_);
    void* aligned = reinterpret_cast<void*>((first + kHugePage - 1) / kHugePage * kHugePage);
    mapped_ = mmap(aligned, size_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, memory, 0);
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping() {
    if (reserved_ != MAP_FAILED) munmap(reserved_, size_ + kHugePage);
  }

  uint8_t* bytes() const {
    return mapped_ == MAP_FAILED ? nullptr : static_cast<uint8_t*>(mapped_);
  }

  // Returns 0 or -errno.
  int Collapse() { return madvise(mapped_, size_, kCollapse) == 0 ? 0 : -errno; }

 private:
  const size_t size_;
  void* reserved_ = MAP_FAILED;
  void* mapped_ = MAP_FAILED;
};

// Returns 0 or -errno.
int Fill(int memory, int file, size_t size) {
  if (ftruncate(memory, static_cast<off_t>(size)) != 0) return -errno;
  Mapping mapping(memory, size);
  uint8_t* bytes = mapping.bytes();
  if (bytes == nullptr) return -ENOMEM;
  for (size_t length = 0; length < size;) {
    const int count =
        ReadFile(file, bytes + length, size - length, static_cast<int64_t>(length), true);
    // An error of the file must not be taken for one of huge pages (EPERM, ENOSYS of FUSE).
    if (count <= 0) return count == 0 ? -ENODATA : -EIO;
    length += static_cast<size_t>(count);
  }
  const int status = mapping.Collapse();
  return status == -EINVAL ? -ENOTSUP : status;
}

}  // namespace

int CopyToHugePages(FileSystem* system, int file, size_t size) {
  if (!system->has_huge_pages.load(std::memory_order_relaxed)) return -ENOTSUP;
  int status = sysconf(_SC_PAGESIZE) == kSmallPage ? CreateMemory() : -ENOTSUP;
  const int memory = status;
  if (memory >= 0) {
    status = Fill(memory, file, size);
    // Nobody changes it from here on, as nobody can have it mapped.
    if (status == 0 && fcntl(memory, kAddSeals, kEverySeal) != 0) {
      status = -errno;
    }
    if (status == 0) return memory;
    CloseFile(memory);
  }
  // EPERM is how containers forbid calls that they do not know.
  if (status == -ENOTSUP || status == -ENOSYS || status == -EPERM) {
    system->has_huge_pages.store(false, std::memory_order_relaxed);
    return -ENOTSUP;
  }
  return status;
}

}  // namespace epoll_server
