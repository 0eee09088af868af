// Tests the table of descriptors: generations, growth, and every short history against a model.
#include "connections.h"

#include <climits>
#include <vector>

#include "harness.h"

namespace epoll_server {
namespace {

constexpr int kFds[] = {0, 2, 5};  // with gaps: the numbers between are in the table and never open
constexpr int kFdCount = 3;
constexpr int kHighest = 7;

Address ClientAt(uint16_t port) {
  Address address = {};
  address.port = port;
  return address;
}

}  // namespace

TEST(ConnectionsBeginsEmpty) {
  Connections table;
  CHECK_EQ(table.open_count(), 0);
  CHECK(table.OpenDescriptors().empty());
  CHECK(table.Find(0) == nullptr);
  CHECK(table.Find(-1) == nullptr);
  CHECK(table.Find(INT_MAX) == nullptr);
  CHECK(table.Find(INT_MIN) == nullptr);
}

TEST(ConnectionsCountsTheGenerationsOfADescriptor) {
  Connections table;
  for (int32_t life = 1; life <= 5; ++life) {
    CHECK_EQ(table.Open(9, Address()), life);
    CHECK_EQ(table.Find(9)->generation, life);
    CHECK(table.Close(9));
  }
  CHECK_EQ(table.Open(8, Address()), 1);
}

TEST(ConnectionsResetsTheEntryAtEachOpen) {
  Connections table;
  table.Open(3, ClientAt(1111));
  table.Find(3)->bytes_received = 10;
  table.Find(3)->bytes_sent = 20;
  table.Close(3);
  table.Open(3, ClientAt(2222));
  CHECK_EQ(table.Find(3)->bytes_received, 0u);
  CHECK_EQ(table.Find(3)->bytes_sent, 0u);
  CHECK_EQ(table.Find(3)->peer.port, 2222);
}

TEST(ConnectionsWrapsTheGenerationToOne) {
  Connections table;
  table.Open(4, Address());
  table.Find(4)->generation = INT_MAX - 1;
  table.Close(4);
  CHECK_EQ(table.Open(4, Address()), INT_MAX);
  table.Close(4);
  CHECK_EQ(table.Open(4, Address()), 1);
  table.Close(4);
  CHECK_EQ(table.Open(4, Address()), 2);
}

TEST(ConnectionsClosesOnce) {
  Connections table;
  CHECK(!table.Close(6));
  CHECK(!table.Close(-1));
  table.Open(6, Address());
  CHECK(table.Close(6));
  CHECK(!table.Close(6));
  CHECK_EQ(table.open_count(), 0);
  CHECK(table.Find(6) == nullptr);
}

TEST(ConnectionsKeepsItsEntriesWhenItGrows) {
  Connections table;
  table.Open(1, ClientAt(80));
  CHECK_EQ(table.Open(100000, ClientAt(443)), 1);
  CHECK_EQ(table.Find(1)->peer.port, 80);
  CHECK_EQ(table.Find(100000)->peer.port, 443);
  CHECK(table.Find(99999) == nullptr);
  CHECK(table.Find(100001) == nullptr);
  CHECK_EQ(table.open_count(), 2);
  CHECK((table.OpenDescriptors() == std::vector<int>{1, 100000}));
}

TEST(ConnectionsKeepsAnEntryIn56Bytes) { CHECK_EQ(sizeof(Connection), 56u); }

namespace {

struct Model {
  int32_t generation[kFdCount] = {};
  bool open[kFdCount] = {};
};

void CheckAgainst(const Model& model, Connections* table) {
  std::vector<int> open;
  for (int fd = -1; fd <= kHighest; ++fd) {
    const Connection* entry = table->Find(fd);
    bool expected = false;
    for (int i = 0; i < kFdCount; ++i) {
      if (kFds[i] != fd || !model.open[i]) continue;
      expected = true;
      open.push_back(fd);
      CHECK(entry != nullptr && entry->generation == model.generation[i]);
    }
    CHECK_EQ(entry != nullptr, expected);
  }
  CHECK_EQ(table->open_count(), static_cast<int>(open.size()));
  CHECK(table->OpenDescriptors() == open);
}

// Applies every operation to a copy of the state, and continues from each result.
int Explore(const Model& model, const Connections& table, int depth) {
  if (depth == 0) return 1;
  int histories = 0;
  for (int i = 0; i < kFdCount; ++i) {
    Model opened = model;
    Connections with = table;
    opened.open[i] = true;
    CHECK_EQ(with.Open(kFds[i], Address()), ++opened.generation[i]);
    CheckAgainst(opened, &with);
    histories += Explore(opened, with, depth - 1);

    Model closed = model;
    Connections without = table;
    CHECK_EQ(without.Close(kFds[i]), model.open[i]);
    closed.open[i] = false;
    CheckAgainst(closed, &without);
    histories += Explore(closed, without, depth - 1);
  }
  return histories;
}

}  // namespace

TEST(ConnectionsAgreesWithAModelAfterEveryHistoryOfSevenCalls) {
  CHECK_EQ(Explore(Model(), Connections(), 7), 6 * 6 * 6 * 6 * 6 * 6 * 6);
}

}  // namespace epoll_server
