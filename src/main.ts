#!/usr/bin/env node
import { enableCompileCache } from 'node:module';

// Before anything else is loaded: the second start then compiles nothing.
enableCompileCache();

const { program } = await import('./cli/program.ts');
await program(process);
