// Tests the scan of request heads: what it accepts, where it stops, and that it stays inside its
// memory. test/http1/received-heads.test.ts compares it with the parser.
#include "head_scan.h"

#include "harness.h"
#include "head_checks.h"

namespace epoll_server::test {
namespace {

const char kStart[] = "GET / HTTP/1.1\r\n";

// How many heads were found; each was checked.
int Found(const std::string& text) {
  int heads = 0;
  CHECK_EQ(CheckScan(text, &heads), "");
  return heads;
}

std::string WithFields(int count) {
  std::string text = kStart;
  for (int i = 0; i < count; ++i) text += "X: y\r\n";
  return text + "\r\n";
}

TEST(EveryByteAtEveryPlaceOfAHead) {
  const std::string usual =
      "POST /a?b HTTP/1.1\r\nHost: a\r\nLong-Name_1: \ta value of words \t\r\nX:\r\n\r\n";
  CHECK_EQ(Found(usual), 1);
  for (size_t place = 0; place < usual.size(); ++place) {
    for (int byte = 0; byte < 256; ++byte) {
      std::string text = usual;
      text[place] = static_cast<char>(byte);
      Found(text);
    }
  }
}

TEST(NoPartOfAHeadIsFound) {
  const std::string head = std::string(kStart) + "Host: a\r\nContent-Length: 5 \r\n\r\n";
  for (size_t length = 0; length < head.size(); ++length)
    CHECK_EQ(Found(head.substr(0, length)), 0);
  CHECK_EQ(Found(head), 1);
  CHECK_EQ(Found(head + "conte"), 1);
}

TEST(AForbiddenByteIsSeenAtEveryPlaceOfAValue) {
  for (const char byte : {'\0', '\x01', '\x1f', '\x7f', '\n', '\r'}) {
    for (size_t length = 0; length < 40; ++length) {
      for (size_t place = 0; place <= length; ++place) {
        std::string value(length, 'v');
        value.insert(place, 1, byte);
        CHECK_EQ(Found(std::string(kStart) + "X: " + value + "\r\n\r\n"), 0);
      }
    }
  }
}

TEST(ASlotHoldsAsManyHeadsAsFit) {
  CHECK_EQ(Found(WithFields(0)), 1);
  CHECK_EQ(Found(WithFields(kMaxScannedFields)), 1);
  CHECK_EQ(Found(WithFields(kMaxScannedFields + 1)), 0);
  std::string many;
  for (int i = 0; i < 100; ++i) many += WithFields(i % 3);
  CHECK(Found(many) > 16);
  for (int first = 0; first <= kMaxScannedFields; ++first) {
    Found(WithFields(first) + WithFields(kMaxScannedFields - first) + WithFields(0));
  }
}

TEST(FieldsThatNeedNoInterpretationAreNotMarked) {
  const std::string usual = "Host: example.test:8080\r\nConnection: Keep-Alive\r\n";
  for (size_t place = 0; place <= usual.size(); ++place) {
    for (int byte = 0; byte < 256; ++byte) {
      std::string fields = usual;
      if (place < fields.size()) fields[place] = static_cast<char>(byte);
      for (const char* more : {"", "Host: b\r\n", "Connection: close\r\n"}) {
        Found(kStart + fields + more + "\r\n");
        Found(kStart + std::string(more) + fields + "\r\n");
      }
    }
  }
}

TEST(WhatIsUnusualIsLeftToTheParser) {
  for (const char* text : {
           "\r\nGET / HTTP/1.1\r\n\r\n",
           "GET / HTTP/1.2\r\n\r\n",
           "GET / HTTP/2.0\r\n\r\n",
           "GET / HTTP/1.1\n\n",
           "GET  / HTTP/1.1\r\n\r\n",
           "GET / HTTP/1.1 \r\n\r\n",
           "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
           "GET / HTTP/1.1\r\n: a\r\n\r\n",
           "GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n",
           "GET / HTTP/1.1\r\nA: b\r\n\r\r\n",
           "GET /#a HTTP/1.1\r\n\r\n",
           "GET \x80 HTTP/1.1\r\n\r\n",
       }) {
    CHECK_EQ(Found(text), 0);
  }
  CHECK_EQ(Found(std::string(32, 'M') + " / HTTP/1.0\r\n\r\n"), 1);
  CHECK_EQ(Found(std::string(33, 'M') + " / HTTP/1.0\r\n\r\n"), 0);
}

}  // namespace
}  // namespace epoll_server::test
