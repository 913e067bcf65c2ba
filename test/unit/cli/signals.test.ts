import { EventEmitter } from 'node:events';
import { describe, expect, it, vi } from 'vitest';
import { handleSignals } from '../../../src/cli/signals.ts';

function handled() {
  const source = new EventEmitter();
  const onStop = vi.fn();
  const onForced = vi.fn();
  return { source, onStop, onForced, restore: handleSignals({ source, onStop, onForced }) };
}

const send = (source: EventEmitter, signal: string) => source.emit(signal, signal);

describe('signals', () => {
  it('ask to stop with the first, and end at once with the second', () => {
    const { source, onStop, onForced } = handled();
    send(source, 'SIGTERM');
    expect(onStop.mock.calls).toEqual([['SIGTERM']]);
    expect(onForced).not.toHaveBeenCalled();
    send(source, 'SIGTERM');
    expect(onForced.mock.calls).toEqual([['SIGTERM', 143]]);
    expect(onStop).toHaveBeenCalledOnce();
  });

  it('count together, whichever comes second', () => {
    const { source, onForced } = handled();
    send(source, 'SIGTERM');
    send(source, 'SIGINT');
    expect(onForced.mock.calls).toEqual([['SIGINT', 130]]);
  });

  it('do what they always do once they are restored', () => {
    const { source, onStop, restore } = handled();
    restore();
    expect(source.listenerCount('SIGINT') + source.listenerCount('SIGTERM')).toBe(0);
    send(source, 'SIGINT');
    expect(onStop).not.toHaveBeenCalled();
  });
});
