// Tests the look-up of files, with openat2(2) and with the walk that replaces it.
#include "file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>
#include <vector>

#include "file_list.h"
#include "file_walk.h"
#include "harness.h"

namespace epoll_server {
namespace {

// A folder `www` beside a secret; both are removed at the end.
struct Tree {
  std::string parent;
  int root;

  Tree() {
    char name[] = "/tmp/epoll-server-native-XXXXXX";
    parent = mkdtemp(name);
    Folder("www");
    Folder("www/a");
    Folder("www/a/b");
    File("secret.txt", "SECRET");
    File("www/d.txt", "content");
    Link("a/b", "www/inside");
    Link("../../d.txt", "www/a/b/up");
    Link("../secret.txt", "www/out");
    Link("/etc", "www/absolute");
    Link("loop", "www/loop");
    CHECK_EQ(mkfifo((parent + "/www/pipe").c_str(), 0600), 0);
    FileStatus status = {};
    root = OpenRoot((parent + "/www").c_str(), &status);
  }

  ~Tree() {
    close(root);
    CHECK_EQ(system(("rm -rf " + parent).c_str()), 0);
  }

  void Folder(const std::string& path) { CHECK_EQ(mkdir((parent + "/" + path).c_str(), 0700), 0); }

  void File(const std::string& path, const std::string& content) {
    const int fd = open((parent + "/" + path).c_str(), O_CREAT | O_WRONLY, 0600);
    CHECK_EQ(write(fd, content.data(), content.size()), static_cast<ssize_t>(content.size()));
    close(fd);
  }

  void Link(const std::string& to, const std::string& path) {
    CHECK_EQ(symlink(to.c_str(), (parent + "/" + path).c_str()), 0);
  }
};

std::string TextOf(int file) {
  if (file < 0) return "error " + std::to_string(-file);
  uint8_t bytes[32];
  const int count = ReadFile(file, bytes, sizeof(bytes), 0, true);
  CloseFile(file);
  return std::string(bytes, bytes + (count < 0 ? 0 : count));
}

void CheckNames(FileSystem* system) {
  Tree tree;
  FileStatus status = {};
  const auto open = [&](const char* path) {
    return OpenBeneath(system, tree.root, path, true, &status);
  };
  for (const char* path : {"d.txt", "a/../d.txt", "inside/up", "a/b/up", "./a//b/../../d.txt"}) {
    CHECK_EQ(TextOf(open(path)), std::string("content"));
  }
  CHECK_EQ(status.size, 7.0);
  for (const char* path : {"out", "absolute/passwd", "../secret.txt", "a/../../secret.txt"}) {
    CHECK_EQ(open(path), -EXDEV);
  }
  CHECK_EQ(open("loop"), -ELOOP);
  CHECK_EQ(open("pipe"), -ENXIO);
  CHECK_EQ(open("a"), -EISDIR);
  CHECK_EQ(open(""), -EISDIR);
  CHECK_EQ(open("none"), -ENOENT);
  CHECK_EQ(open("d.txt/x"), -ENOTDIR);
}

}  // namespace

TEST(NamesAreConfinedByOpenat2) {
  FileSystem system;
  CheckNames(&system);
}

TEST(ARootHasTheDeviceAndInodeOfItsFolder) {
  Tree tree;
  FileStatus first = {};
  FileStatus second = {};
  FileStatus other = {};
  const int a = OpenRoot((tree.parent + "/www").c_str(), &first);
  const int b = OpenRoot((tree.parent + "/www/../www").c_str(), &second);
  const int c = OpenRoot((tree.parent + "/www/a").c_str(), &other);
  CHECK(first.inode == second.inode && first.device == second.device);
  CHECK(first.inode != other.inode);
  CHECK_EQ(OpenRoot((tree.parent + "/none").c_str(), &other), -ENOENT);
  for (const int root : {a, b, c}) close(root);
}

TEST(NamesAreConfinedByTheWalk) {
  FileSystem system;
  system.has_openat2 = false;
  CheckNames(&system);
}

TEST(AWalkDoesNotBeginAtTheRootOfTheSystem) {
  Tree tree;
  std::string last;
  CHECK_EQ(WalkBeneath(tree.root, "/d.txt", &last), -EXDEV);
}

TEST(AnOpenFileHasItsCurrentStatus) {
  Tree tree;
  FileSystem system;
  FileStatus opened = {};
  FileStatus now = {};
  const int file = OpenBeneath(&system, tree.root, "d.txt", true, &opened);
  CHECK(file >= 0);
  CHECK_EQ(LookAtOpen(file, &now), 0);
  CHECK(now.size == 7 && now.changed_ms == opened.changed_ms && now.inode == opened.inode);
  CHECK_EQ(truncate((tree.parent + "/www/d.txt").c_str(), 3), 0);
  CHECK_EQ(unlink((tree.parent + "/www/d.txt").c_str()), 0);
  CHECK_EQ(LookAtOpen(file, &now), 0);
  CHECK(now.size == 3);
  CHECK_EQ(LookAtOpen(tree.root, &now), -EISDIR);
  close(file);
  CHECK_EQ(LookAtOpen(file, &now), -EBADF);
}

TEST(AWalkHoldsABoundedNumberOfDescriptors) {
  Tree tree;
  std::string path = "www";
  for (int i = 0; i < 80; ++i) tree.Folder(path += "/x");
  std::string last;
  CHECK_EQ(WalkBeneath(tree.root, (path.substr(4) + "/y").c_str(), &last), -ENAMETOOLONG);
  const int lowest = dup(tree.root);
  close(lowest);
  CHECK(lowest < tree.root + 3);
}

// The names of the root, each followed by a slash.
std::string NamesOf(FileSystem* system, int root, const ListBounds& bounds, DirectoryNames* names) {
  CHECK_EQ(ListBeneath(system, root, "", bounds, "", names), 0);
  std::string text = names->text;
  for (char& character : text) character = character == '\0' ? '/' : character;
  CHECK_EQ(names->starts.back(), text.size());
  return text;
}

void CheckList(FileSystem* system) {
  Tree tree;
  tree.File("www/.hidden", "");
  DirectoryNames names;
  CHECK(NamesOf(system, tree.root, {9, 99, false}, &names) == "a/inside/d.txt/");
  CHECK(!names.is_cut && names.state.empty());
  CHECK_EQ(names.starts.size(), 4u);
  CHECK_EQ(names.starts[2], 9u);
  std::vector<double> facts;
  CHECK_EQ(DescribeBeneath(system, tree.root, "", names.text, &facts), 0);
  CHECK_EQ(facts.size(), 3 * kFactsOfName);
  CHECK(facts[0] == kIsDirectory && facts[3] == kIsDirectory && facts[6] == kIsFile);
  CHECK(facts[7] == 7);
  DirectoryNames all;
  CHECK(NamesOf(system, tree.root, {9, 99, true}, &all) == "a/inside/.hidden/d.txt/");
  DirectoryNames none;
  CHECK(NamesOf(system, tree.root, {0, 99, true}, &none).empty() && none.is_cut);
  DirectoryNames gone;
  CHECK_EQ(ListBeneath(system, tree.root, "absolute", {9, 99, true}, "", &gone), -EXDEV);
}

TEST(NamesAreListedByOpenat2) {
  FileSystem system;
  if (system.has_openat2) CheckList(&system);
}

TEST(NamesAreListedByTheWalk) {
  FileSystem system;
  system.has_openat2 = false;
  CheckList(&system);
}

TEST(AWalkIsNotTriedWithoutMayWait) {
  Tree tree;
  FileSystem system;
  system.has_openat2 = false;
  FileStatus status = {};
  CHECK_EQ(OpenBeneath(&system, tree.root, "d.txt", false, &status), -EAGAIN);
  CHECK_EQ(LookBeneath(&system, tree.root, "d.txt", false, &status), -EAGAIN);
}

}  // namespace epoll_server
