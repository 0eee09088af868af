// The manifests of deploy/kubernetes, by the schemas of Kubernetes.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { installTools } from '../tools.js';

/** Validates all manifests; returns their kinds. @throws Error that says what is wrong. */
export function validateManifests(root) {
  const require = createRequire(join(installTools(root, 'kubernetes'), 'package.json'));
  const text = readFileSync(join(root, 'deploy', 'kubernetes', 'epoll-server.yaml'), 'utf8');
  return parseAllDocuments(text).map((document) => {
    const manifest = document.toJS();
    const { apiVersion, kind } = manifest;
    const { [kind]: Model } = require(`kubernetes-models/${apiVersion}/${kind}`);
    validate(Model, manifest, kind);
    // A schema that accepts everything would be no check.
    if (isValid(Model, { ...manifest, metadata: { ...manifest.metadata, labels: 'none' } }))
      throw new Error(`the schema of ${kind} accepts labels that are none`);
    return kind;
  });
}

function validate(Model, manifest, kind) {
  try {
    new Model(manifest).validate();
  } catch (error) {
    throw new Error(`${kind}: ${error.message}`, { cause: error });
  }
}

function isValid(Model, manifest) {
  try {
    new Model(manifest).validate();
    return true;
  } catch {
    return false;
  }
}
