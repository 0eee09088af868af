// Reads, sorts and describes the names of a directory with readdir(3) and fstatat(2).
#include "file_list.h"

#include <dirent.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

namespace epoll_server {
namespace {

// File systems count time in steps of up to two seconds: a second change within a step has no new
// time.
constexpr double kSettledMs = 2000;

std::string StateOf(const FileStatus& directory) {
  timespec now = {};
  clock_gettime(CLOCK_REALTIME, &now);
  if (static_cast<double>(now.tv_sec) * 1e3 - directory.changed_ms <= kSettledMs) return "";
  char state[kMaxStateBytes];
  snprintf(state, sizeof(state), "%.0f %.0f %.6f", directory.device, directory.inode,
           directory.changed_ms);
  return state;
}

std::string Below(const char* path, const char* name) {
  return *path == '\0' ? name : std::string(path) + "/" + name;
}

// Returns the kind of the target of `name` with links followed; kGone: neither a file nor a
// directory beneath the root.
double Follow(FileSystem* system, int root, const char* path, const char* name,
              FileStatus* status) {
  const std::string below = Below(path, name);
  const int result = LookBeneath(system, root, below.c_str(), true, status);
  if (result == 0) return kIsFile;
  if (result != -EISDIR) return kGone;
  const int directory = OpenDirectoryBeneath(system, root, below.c_str());
  if (directory < 0) return kGone;
  const bool is_known = LookIn(directory, ".", status) == -EISDIR;
  close(directory);
  return is_known ? kIsDirectory : kGone;
}

bool IsListed(const char* name, bool shows_hidden) {
  if (*name != '.') return true;
  return shows_hidden && std::strcmp(name, ".") != 0 && std::strcmp(name, "..") != 0;
}

// Reads the names of one directory, then sorts them.
class Reader {
 public:
  Reader(FileSystem* system, int root, const char* path, const ListBounds& bounds)
      : system_(system), root_(root), path_(path), bounds_(bounds) {}

  void Read(DIR* stream) {
    while (const dirent* entry = readdir(stream)) {
      if (!IsListed(entry->d_name, bounds_.shows_hidden)) continue;
      const double kind = KindOf(*entry);
      if (kind != kGone && !Add(entry->d_name, kind)) break;
    }
  }

  void Sort(DirectoryNames* names) {
    const auto is_before = [this](uint32_t a, uint32_t b) {
      return std::strcmp(&text_[a], &text_[b]) < 0;
    };
    names->text.reserve(text_.size());
    names->starts.reserve(directories_.size() + files_.size() + 1);
    for (std::vector<uint32_t>* part : {&directories_, &files_}) {
      std::sort(part->begin(), part->end(), is_before);
      for (const uint32_t at : *part) {
        names->starts.push_back(static_cast<uint32_t>(names->text.size()));
        names->text.append(&text_[at], std::strlen(&text_[at]) + 1);
      }
    }
    names->starts.push_back(static_cast<uint32_t>(names->text.size()));
    names->is_cut = is_cut_;
    // The target of a link may change without a change of the directory.
    if (has_followed_) names->state.clear();
  }

 private:
  double KindOf(const dirent& entry) {
    if (entry.d_type == DT_REG) return kIsFile;
    if (entry.d_type == DT_DIR) return kIsDirectory;
    if (entry.d_type != DT_LNK && entry.d_type != DT_UNKNOWN) return kGone;
    has_followed_ = true;
    FileStatus status = {};
    return Follow(system_, root_, path_, entry.d_name, &status);
  }

  bool Add(const char* name, double kind) {
    const size_t length = std::strlen(name) + 1;
    is_cut_ = directories_.size() + files_.size() >= bounds_.names ||
              text_.size() + length > bounds_.bytes;
    if (is_cut_) return false;
    std::vector<uint32_t>& part = kind == kIsDirectory ? directories_ : files_;
    part.push_back(static_cast<uint32_t>(text_.size()));
    text_.append(name, length);
    return true;
  }

  FileSystem* const system_;
  const int root_;
  const char* const path_;
  const ListBounds bounds_;
  std::string text_;
  std::vector<uint32_t> directories_;
  std::vector<uint32_t> files_;
  bool is_cut_ = false;
  bool has_followed_ = false;
};

}  // namespace

int ListBeneath(FileSystem* system, int root, const char* path, const ListBounds& bounds,
                const std::string& known, DirectoryNames* names) {
  const int directory = OpenDirectoryBeneath(system, root, path);
  if (directory < 0) return directory;
  // Taken before the names are read, so that a change meanwhile is detected the next time.
  FileStatus status = {};
  if (LookIn(directory, ".", &status) == -EISDIR) names->state = StateOf(status);
  if (!known.empty() && names->state == known) {
    close(directory);
    return kUnchanged;
  }
  DIR* stream = fdopendir(directory);
  if (stream == nullptr) {
    const int error = -errno;
    close(directory);
    return error;
  }
  Reader reader(system, root, path, bounds);
  reader.Read(stream);
  closedir(stream);
  reader.Sort(names);
  return 0;
}

int DescribeBeneath(FileSystem* system, int root, const char* path, const std::string& names,
                    std::vector<double>* facts) {
  const int directory = OpenDirectoryBeneath(system, root, path);
  if (directory < 0) return directory;
  for (size_t at = 0; at < names.size();) {
    const char* name = &names[at];
    FileStatus status = {};
    const int result = LookIn(directory, name, &status);
    double kind = result == 0 ? kIsFile : result == -EISDIR ? kIsDirectory : kGone;
    if (result == -ELOOP) kind = Follow(system, root, path, name, &status);
    for (const double fact : {kind, status.size, status.modified_ms}) facts->push_back(fact);
    at += std::strlen(name) + 1;
  }
  close(directory);
  return 0;
}

}  // namespace epoll_server
