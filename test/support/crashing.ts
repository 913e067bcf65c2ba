/**
 * Loaded into a process of ours before its own code (`NODE_OPTIONS=--import`): SIGHUP makes it fail as a bug would, SIGWINCH as a
 * promise that nobody looks after, and SIGCONT makes it take memory until there is none. The error holds all that the process was told, in every place where an error can hold something.
 */
const bug = (): Error => {
  const told = JSON.stringify(process.env);
  const error = new Error(`a bug that quotes ${told}`, { cause: new Error(`caused by ${told}`) });
  return Object.assign(error, { config: { env: process.env }, headers: told });
};

process.on('SIGHUP', () => {
  throw bug();
});
process.on('SIGWINCH', () => {
  void Promise.reject(bug());
});
process.on('SIGCONT', () => {
  const taken: unknown[] = [];
  for (;;) taken.push(Array.from({ length: 100_000 }, () => ({ ...process.env })));
});
