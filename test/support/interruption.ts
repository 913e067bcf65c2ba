const CODES = { SIGINT: 130, SIGTERM: 143, SIGPIPE: 141 } as const;

/** Ends the process where nobody reads any more what it prints (`| head`): no error of ours, and no reason for a stack. */
export function endWithoutReader(end: () => Promise<void> | void = () => undefined): void {
  const ended = once('SIGPIPE', end);
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    ended();
  });
}

/** Ctrl-C: `end` first leaves everything in order; a second one ends the process at once. */
export function endWhenInterrupted(end: () => Promise<void> | void): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    const ended = once(signal, end);
    let again = false;
    process.on(signal, () => {
      if (again) process.exit(CODES[signal]);
      again = true;
      ended();
    });
  }
}

function once(signal: keyof typeof CODES, end: () => Promise<void> | void): () => void {
  let ending = false;
  const exit = () => process.exit(CODES[signal]);
  return () => {
    if (ending) return;
    ending = true;
    Promise.resolve().then(end).then(exit, exit);
  };
}
