// A plugin of QEMU (version 1 of its interface: QEMU 4.2 to 8.2). It counts the instructions that
// user programs except the client execute. Whenever the client executes a mark, it writes the
// count since the last mark. The client is linked at CLIENT_START, which tells it from other
// programs.
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define CLIENT_START 0x60000000u
#define CLIENT_END 0x60200000u

// Debian has no header with these declarations.
#define PUBLIC __attribute__((visibility("default")))
#define ADD_U64 0
#define NO_REGISTERS 0
typedef uint64_t PluginId;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
typedef void (*Translated)(PluginId, struct qemu_plugin_tb*);
typedef void (*Executed)(unsigned int, void*);
void qemu_plugin_register_vcpu_tb_trans_cb(PluginId, Translated);
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb*, int, void*, uint64_t);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn*, Executed, int, void*);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb*);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb*);
struct qemu_plugin_insn* qemu_plugin_tb_get_insn(const struct qemu_plugin_tb*, size_t);
const void* qemu_plugin_insn_data(const struct qemu_plugin_insn*);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn*);
PUBLIC int qemu_plugin_version = 1;

static const uint8_t kMark[] = {0xb8, 0xee, 0xff, 0xc0, 0x51};  // movl $0x51c0ffee, %eax
static uint64_t executed, before;
static FILE* report;

static void pass_mark(unsigned int processor, void* unused) {
  (void)processor;
  (void)unused;
  fprintf(report, "%lu\n", executed - before);
  fflush(report);
  before = executed;
}

static void watch_marks(const struct qemu_plugin_tb* block) {
  for (size_t i = 0; i < qemu_plugin_tb_n_insns(block); i++) {
    struct qemu_plugin_insn* instruction = qemu_plugin_tb_get_insn(block, i);
    if (qemu_plugin_insn_size(instruction) != sizeof(kMark)) continue;
    if (memcmp(qemu_plugin_insn_data(instruction), kMark, sizeof(kMark)) != 0) continue;
    qemu_plugin_register_vcpu_insn_exec_cb(instruction, pass_mark, NO_REGISTERS, NULL);
  }
}

static void translated(PluginId id, struct qemu_plugin_tb* block) {
  (void)id;
  const uint64_t address = qemu_plugin_tb_vaddr(block);
  if (address >> 63) return;  // the kernel
  if (address >= CLIENT_START && address < CLIENT_END) {
    watch_marks(block);
    return;
  }
  qemu_plugin_register_vcpu_tb_exec_inline(block, ADD_U64, &executed,
                                           qemu_plugin_tb_n_insns(block));
}

PUBLIC int qemu_plugin_install(PluginId id, const void* about, int count, char** given) {
  (void)about;
  const char* name = count > 0 ? strchr(given[0], '=') : NULL;
  report = name == NULL ? NULL : fopen(name + 1, "w");
  if (report == NULL) return -1;
  qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
  return 0;
}
