// A small test runner: named functions, CHECK, and a line with the number of passed tests.
#ifndef EPOLL_SERVER_TEST_NATIVE_HARNESS_H_
#define EPOLL_SERVER_TEST_NATIVE_HARNESS_H_

#include <cstdint>
#include <functional>
#include <string>

namespace epoll_server::test {

using TestFunction = std::function<void()>;
using BackEndTestFunction = void (*)(const std::string& back_end);

// Registers a test; called by TEST at start-up. The result has no meaning.
int Register(const std::string& name, TestFunction function);

// Registers a test for each back end; called by TEST_EACH_BACK_END.
int RegisterForEachBackEnd(const char* name, BackEndTestFunction function);

// Records a failed CHECK of the running test.
void Fail(const char* file, int line, const std::string& text);

// Runs every registered test, but for those whose names begin with `left_out` if that is not empty.
// Returns the number of failed ones.
int RunAll(const std::string& left_out);

inline std::string Show(const std::string& value) { return "\"" + value + "\""; }
inline std::string Show(const char* value) { return Show(std::string(value)); }
inline std::string Show(bool value) { return value ? "true" : "false"; }
template <typename Number>
std::string Show(Number value) {
  return std::to_string(value);
}

template <typename Actual, typename Expected>
void CheckEqual(const char* file, int line, const char* text, const Actual& actual,
                const Expected& expected) {
  if (!(actual == expected)) {
    Fail(file, line, std::string(text) + " is " + Show(actual) + ", not " + Show(expected));
  }
}

}  // namespace epoll_server::test

#define TEST(name)                                      \
  static void name();                                   \
  [[maybe_unused]] static const int name##_registered = \
      ::epoll_server::test::Register(#name, name);      \
  static void name()

#define TEST_EACH_BACK_END(name)                                 \
  static void name(const std::string& back_end);                 \
  [[maybe_unused]] static const int name##_registered =          \
      ::epoll_server::test::RegisterForEachBackEnd(#name, name); \
  static void name(const std::string& back_end)

#define CHECK(condition)                                                          \
  do {                                                                            \
    if (!(condition)) ::epoll_server::test::Fail(__FILE__, __LINE__, #condition); \
  } while (false)

#define CHECK_EQ(actual, expected) \
  ::epoll_server::test::CheckEqual(__FILE__, __LINE__, #actual, actual, expected)

#endif  // EPOLL_SERVER_TEST_NATIVE_HARNESS_H_
