#!/usr/bin/env node
import { enableCompileCache } from 'node:module';

/** As in package.json's `engines`, which npm only warns of. */
const LEAST_NODE = 24;

// An older one would stop at the first thing that it does not know, and say only that.
if (Number.parseInt(process.versions.node, 10) < LEAST_NODE) {
  process.stderr.write(`Zonekeeper needs Node ${LEAST_NODE} or newer; this is Node ${process.versions.node}.\n`);
  process.exit(78);
}

// Before anything else is loaded: the second start then compiles nothing.
enableCompileCache();

const { program } = await import('./cli/program.ts');
await program(process);
