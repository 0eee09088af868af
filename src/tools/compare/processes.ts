// What a program and its children use, read from /proc. A program is started as the leader of a process group, and
// every process of the group counts.

import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** What a group has used since its start. */
export interface Usage {
  /** Seconds of processor time in user mode, those of reaped children included. */
  readonly userSeconds: number;
  readonly systemSeconds: number;
  /** Voluntary and involuntary context switches of all live threads. */
  readonly switches: number;
}

/** The words of /proc/PID/stat behind the name, from `state` on: proc(5) counts from 3. */
interface Process {
  readonly pid: number;
  readonly words: readonly string[];
}

const STATE = 3;
const GROUP = 5;
const USER_TIME = 14;
const SYSTEM_TIME = 15;
const CHILDRENS_USER_TIME = 16;
const CHILDRENS_SYSTEM_TIME = 17;
const THREADS = 20;

let clockTicks = 0;

/** Ticks of /proc's processor times in a second, as in sysconf(3). */
export function ticksPerSecond(): number {
  if (clockTicks === 0) clockTicks = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
  return clockTicks;
}

function word({ words }: Process, index: number): number {
  return Number(words[index - STATE]);
}

/** Reads a file of /proc; empty when its process has ended. */
function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

function list(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function processOf(pid: number): Process | null {
  const stat = read(`/proc/${pid}/stat`);
  if (stat === '') return null;
  return { pid, words: stat.slice(stat.lastIndexOf(')') + 2).split(' ') };
}

/** The processes of a group that have not been reaped. */
function members(group: number): readonly Process[] {
  return list('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => processOf(Number(name)))
    .filter((process) => process !== null)
    .filter((process) => word(process, GROUP) === group);
}

export function pidsOf(group: number): readonly number[] {
  return members(group).map(({ pid }) => pid);
}

/** The number of threads of a group. */
export function threadsOf(group: number): number {
  return members(group).reduce((sum, process) => sum + word(process, THREADS), 0);
}

/** Sums up a group. The time of a child moves to its parent when it is reaped, so that none is lost. */
export function usageOf(group: number): Usage {
  const processes = members(group);
  const ticks = (...indexes: readonly number[]): number =>
    processes.reduce((sum, process) => sum + indexes.reduce((inner, index) => inner + word(process, index), 0), 0);
  return {
    userSeconds: ticks(USER_TIME, CHILDRENS_USER_TIME) / ticksPerSecond(),
    systemSeconds: ticks(SYSTEM_TIME, CHILDRENS_SYSTEM_TIME) / ticksPerSecond(),
    switches: processes.reduce((sum, { pid }) => sum + switchesOf(pid), 0),
  };
}

function switchesOf(pid: number): number {
  return list(`/proc/${pid}/task`)
    .flatMap((thread) => [...read(`/proc/${pid}/task/${thread}/status`).matchAll(/ctxt_switches:\s*(\d+)/g)])
    .reduce((sum, [, count]) => sum + Number(count), 0);
}

/** Seconds of processor time of one process. */
export function cpuSecondsOf(pid: number): number {
  const process = processOf(pid);
  return process === null ? 0 : (word(process, USER_TIME) + word(process, SYSTEM_TIME)) / ticksPerSecond();
}

/** Bytes in memory; memory shared by several processes is divided among them (PSS). */
export function residentBytesOf(group: number): number {
  return pidsOf(group).reduce((sum, pid) => sum + residentOf(pid), 0);
}

function residentOf(pid: number): number {
  const kib =
    /^Pss:\s*(\d+) kB/m.exec(read(`/proc/${pid}/smaps_rollup`)) ??
    /^VmRSS:\s*(\d+) kB/m.exec(read(`/proc/${pid}/status`));
  return kib === null ? 0 : Number(kib[1]) * 1024;
}

/** Bytes that a process passed to write(2) and similar calls, sockets included. */
export function writtenBytesOf(pid: number): number {
  return Number(/^wchar: (\d+)/m.exec(read(`/proc/${pid}/io`))?.[1] ?? 0);
}

/** Processor seconds in which the whole machine was busy, stolen time included. */
export function machineBusySeconds(): number {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softIrq = 0, steal = 0] = (
    read('/proc/stat').split('\n')[0] ?? ''
  )
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return (user + nice + system + irq + softIrq + steal) / ticksPerSecond();
}
