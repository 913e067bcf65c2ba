import { EXIT } from './exit.ts';

type StopSignal = 'SIGINT' | 'SIGTERM';

/** The part of `process` that is needed. */
export interface SignalSource {
  on(signal: StopSignal, listener: (signal: StopSignal) => void): unknown;
  off(signal: StopSignal, listener: (signal: StopSignal) => void): unknown;
}

export interface SignalOptions {
  readonly source: SignalSource;
  /** The first signal: begin to stop. */
  readonly onStop: (signal: StopSignal) => void;
  /** The second one: end at once, with this code. Must not return to the event loop. */
  readonly onForced: (signal: StopSignal, exitCode: number) => void;
}

/**
 * Two-stage signals: the first SIGINT or SIGTERM asks to stop, the second (of either kind) ends the process at once. Ctrl-C
 * pressed twice therefore always works, whatever the first did. Returns how to restore the default behaviour.
 */
export function handleSignals({ source, onStop, onForced }: SignalOptions): () => void {
  let stopping = false;
  const listener = (signal: StopSignal): void => {
    if (stopping) {
      onForced(signal, signal === 'SIGINT' ? EXIT.interrupted : EXIT.terminated);
      return;
    }
    stopping = true;
    onStop(signal);
  };
  source.on('SIGINT', listener);
  source.on('SIGTERM', listener);
  return () => {
    source.off('SIGINT', listener);
    source.off('SIGTERM', listener);
  };
}
