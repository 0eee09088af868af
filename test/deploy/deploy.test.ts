// Tests the files of deploy/: their flags exist and are valid, probes have paths that the admin listener answers, and
// the times of an end add up. `npm run check:operations` tries the units, HAProxy and nginx themselves.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { parseArguments } from '../../src/cli/arguments.ts';
import { resolveSettings } from '../../src/config/resolve.ts';
import type { Settings } from '../../src/options/option-types.ts';

const DEPLOY = new URL('../../deploy/', import.meta.url).pathname;
const PROBES = new Set(['/livez', '/readyz']);

function textOf(...path: readonly string[]): string {
  return readFileSync(join(DEPLOY, ...path), 'utf8');
}

function settingsOf(args: readonly string[]): Settings {
  return resolveSettings(parseArguments(args).settings).settings;
}

/** How long a server with these settings may take to end. */
function endMsOf({ drainDelayMs, shutdownGraceMs, shutdownTimeoutMs }: Settings): number {
  return drainDelayMs + shutdownGraceMs + shutdownTimeoutMs;
}

/** The documents of a YAML file, by kind. */
function manifests(): ReadonlyMap<string, unknown> {
  const documents = parseAllDocuments(textOf('kubernetes', 'epoll-server.yaml'));
  for (const document of documents) expect(document.errors).toEqual([]);
  return new Map(documents.map((document) => document.toJS()).map((each) => [Object(each).kind, each]));
}

test.each(readdirSync(join(DEPLOY, 'systemd')).filter((name) => name.endsWith('.service')))(
  '%s: flags are valid, and systemd waits longer than the server takes to end',
  (name) => {
    const text = textOf('systemd', name).replaceAll('\\\n', ' ');
    const [, command = ''] = /^ExecStart=(.+)$/m.exec(text) ?? [];
    const settings = settingsOf(command.trim().split(/\s+/).slice(2));
    const [, stop] = /^TimeoutStopSec=(\d+)$/m.exec(text) ?? [];
    expect(Number(stop) * 1_000).toBeGreaterThan(endMsOf(settings));
    expect(text).toMatch(/^Type=notify$/m);
    expect(settings.workers, 'SIGHUP replaces workers').toBeGreaterThan(0);
    if (settings.listen?.includes('systemd:web') === true) {
      expect(textOf('systemd', 'epoll-server.socket')).toMatch(/^FileDescriptorName=web$/m);
    }
  },
);

test('Kubernetes: kinds, names, ports, probes and times fit together', () => {
  const found = manifests();
  expect([...found.keys()].sort()).toEqual([
    'Deployment',
    'HorizontalPodAutoscaler',
    'Ingress',
    'PodDisruptionBudget',
    'Service',
  ]);
  const { spec } = Object(found.get('Deployment'));
  const pod = spec.template.spec;
  const [container] = pod.containers;
  const settings = settingsOf(container.args);
  const ports = new Map(container.ports.map((port: object) => [Object(port).name, Object(port).containerPort]));
  expect(settings.admin).toBe(`[::]:${ports.get('admin')}`);
  expect(settings.listen).toEqual([`[::]:${ports.get('http')}`]);
  for (const probe of ['startupProbe', 'readinessProbe', 'livenessProbe']) {
    const { path, port } = container[probe].httpGet;
    expect(PROBES.has(path) && ports.has(port), probe).toBe(true);
  }
  expect(container.livenessProbe.httpGet.path, 'a server that drains must not be killed').toBe('/livez');
  const preStopMs = Number(container.lifecycle.preStop.exec.command[1]) * 1_000;
  expect(pod.terminationGracePeriodSeconds * 1_000).toBeGreaterThan(preStopMs + endMsOf(settings));
  const { periodSeconds, failureThreshold } = container.readinessProbe;
  expect(settings.drainDelayMs).toBeGreaterThan(2 * periodSeconds * failureThreshold * 1_000);
  const labels = spec.selector.matchLabels;
  expect(spec.template.metadata.labels).toEqual(labels);
  expect(Object(found.get('Service')).spec.selector).toEqual(labels);
  expect(Object(found.get('PodDisruptionBudget')).spec.selector.matchLabels).toEqual(labels);
  expect(spec.template.metadata.annotations['prometheus.io/port']).toBe(String(ports.get('admin')));
});

test('Compose: flags are valid, and Docker waits longer than the server takes to end', () => {
  const [document] = parseAllDocuments(textOf('compose', 'compose.yaml'));
  const { services } = Object(document?.toJS());
  const settings = settingsOf(services.web.command);
  expect(Number.parseInt(services.web.stop_grace_period, 10) * 1_000).toBeGreaterThan(endMsOf(settings));
  expect(JSON.stringify(services.web.healthcheck.test)).toContain('/readyz');
});

test.each([
  ['haproxy', 'haproxy.cfg'],
  ['nginx', 'nginx.conf'],
])('%s: the flags in its comment are valid', (...path) => {
  const comment = textOf(...path)
    .split('\n')
    .filter((line) => line.startsWith('#'))
    .map((line) => line.slice(1))
    .join(' ');
  const flags = [...comment.matchAll(/(--[a-z-]+)[ \n]+([^\s]+)/g)].flatMap(([, flag = '', value = '']) => [
    flag,
    value,
  ]);
  expect(flags.length).toBeGreaterThan(4);
  expect(() => settingsOf(flags)).not.toThrow();
});
