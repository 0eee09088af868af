// Tests when file descriptors are closed: not while a job uses them.
#include "descriptors.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "harness.h"

namespace epoll_server {
namespace {

int OpenAny() { return open("/dev/null", O_RDONLY | O_CLOEXEC); }

bool Exists(int fd) { return fcntl(fd, F_GETFD) >= 0; }

}  // namespace

TEST(DescriptorsCloseOnlyTheirOwn) {
  Descriptors files;
  const int fd = files.Opened(OpenAny());
  CHECK(files.IsOpen(fd));
  CHECK_EQ(files.Close(fd), 0);
  CHECK(!files.IsOpen(fd) && !Exists(fd));
  CHECK_EQ(files.Close(fd), -EBADF);
  CHECK_EQ(files.Close(-1), -EBADF);
  CHECK_EQ(files.Close(1000000), -EBADF);
  CHECK_EQ(files.Opened(-EMFILE), -EMFILE);
}

TEST(DescriptorsWaitForTheLastJob) {
  Descriptors files;
  const int fd = files.Opened(OpenAny());
  files.Acquire(fd);
  files.Acquire(fd);
  CHECK_EQ(files.Close(fd), 0);
  CHECK(!files.IsOpen(fd) && Exists(fd));
  CHECK_EQ(files.Close(fd), -EBADF);
  const int other = files.Opened(OpenAny());
  CHECK(other != fd);
  files.Release(fd);
  CHECK(Exists(fd));
  files.Release(fd);
  CHECK(!Exists(fd));
  CHECK(Exists(other));
}

TEST(DescriptorsThatAJobUsedStayOpenUntilTheyAreClosed) {
  Descriptors files;
  const int fd = files.Opened(OpenAny());
  files.Acquire(fd);
  files.Release(fd);
  CHECK(files.IsOpen(fd) && Exists(fd));
  CHECK_EQ(files.Close(fd), 0);
  CHECK(!Exists(fd));
}

TEST(DescriptorsCloseAllButThoseOfJobs) {
  Descriptors files;
  const int idle = files.Opened(OpenAny());
  const int used = files.Opened(OpenAny());
  files.Acquire(used);
  files.CloseAll();
  CHECK(!Exists(idle) && Exists(used));
  files.Release(used);
  CHECK(!Exists(used));
}

}  // namespace epoll_server
