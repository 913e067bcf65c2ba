import { writeSync } from 'node:fs';
import { secretsIn } from '../config/layers.ts';
import { Redactor } from '../observability/redactor.ts';
import { type Invocation, parseCommandLine } from './args.ts';
import type { Writer } from './command.ts';
import { COMMAND_TABLE } from './commands.ts';
import { contextOf } from './context.ts';
import { handleCrashes } from './crash.ts';
import { formatError } from './errors.ts';
import { EXIT, exitCodeOf } from './exit.ts';
import { commandHelp, programHelp } from './help.ts';
import type { ProgramOptions } from './program-options.ts';
import { handleSignals } from './signals.ts';
import { VERSION } from './version.ts';

/** A command that has returned leaves nothing running; what does so by mistake may finish within this time. */
const LINGER_MS = 2_000;

/** The whole process: runs the command line, sets the exit code, and ends. */
export async function program(process: NodeJS.Process): Promise<void> {
  for (const stream of [process.stdout, process.stderr]) {
    // `zonekeeper records | head` closes the pipe: nothing is wrong, and nobody is left to read on.
    stream.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? EXIT.ok : EXIT.error));
  }
  const redactor = new Redactor();
  process.exitCode = await runProgram({
    argv: process.argv.slice(2),
    env: process.env,
    stdout: writerOf(process.stdout),
    stderr: writerOf(process.stderr),
    onStop: (stop) => handleSignals({ source: process, onStop: stop, onForced: (_signal, code) => process.exit(code) }),
    onCrash: handleCrashes({
      source: process,
      redactor,
      onUntold: (text) => writeSync(process.stderr.fd, text),
      onEnd: (code) => process.exit(code),
    }),
    redactor,
  });
  setTimeout(() => process.exit(), LINGER_MS).unref();
}

/** Runs one command line and returns its exit code. Prints errors; never throws. */
export async function runProgram(options: ProgramOptions): Promise<number> {
  const { argv, stdout, stderr, commands = COMMAND_TABLE, redactor = new Redactor() } = options;
  // Not only when a command reads its settings: whatever fails before or beside that may quote the environment.
  for (const secret of secretsIn(options.env)) redactor.add(secret);
  let json = false;
  options.onCrash?.((error) => stderr.write(formatError(error, { json, redactor })));
  try {
    if (argv.length === 0) {
      stderr.write(programHelp(commands, stderr.width));
      return EXIT.usage;
    }
    json = argv.includes('--json');
    const invocation = parseCommandLine(argv, commands);
    if (invocation.kind === 'version') stdout.write(`${VERSION}\n`);
    else if (invocation.kind === 'help') {
      const { command } = invocation;
      stdout.write(command === null ? programHelp(commands, stdout.width) : commandHelp(command, stdout.width));
    } else {
      json = invocation.json;
      return await runCommand(invocation, options, redactor);
    }
    return EXIT.ok;
  } catch (error) {
    stderr.write(formatError(error, { json, redactor }));
    return exitCodeOf(error);
  }
}

async function runCommand(
  invocation: Extract<Invocation, { kind: 'command' }>,
  options: ProgramOptions,
  redactor: Redactor,
): Promise<number> {
  const { command } = invocation;
  const stopping = new AbortController();
  const restore = command.graceful
    ? options.onStop((signal) => stopping.abort(new Error(`stopped by ${signal}`)))
    : () => undefined;
  try {
    const { default: run } = await command.load();
    return await run(contextOf(invocation, options, stopping.signal, redactor));
  } finally {
    restore();
  }
}

function writerOf(stream: NodeJS.WriteStream): Writer {
  return {
    write: (text) => {
      stream.write(text);
    },
    get width() {
      return stream.isTTY === true ? stream.columns : null;
    },
  };
}
