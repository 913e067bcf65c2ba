import { describe, expect, it } from 'vitest';
import { type CrashSource, handleCrashes } from '../../../src/cli/crash.ts';
import { Redactor } from '../../../src/observability/redactor.ts';

/** A process that somebody watches, and what was told of it. */
function watched() {
  const told: string[] = [];
  const redactor = new Redactor();
  redactor.add('a-secret-word');
  let listener: (error: unknown) => void = () => undefined;
  const source: CrashSource = {
    on: (_, given) => {
      listener = given;
    },
    report: {
      excludeEnv: false,
      reportOnUncaughtException: true,
      writeReport: (error) => String(told.push(`report: ${error.message}`)),
    },
  };
  const better = handleCrashes({
    source,
    redactor,
    onUntold: (text) => told.push(`plainly: ${text.split('\n', 1)[0]}`),
    onEnd: (code) => told.push(`end: ${code}`),
  });
  return { told, better, source, crash: () => listener(new Error('about a-secret-word')) };
}

const REPORTED = ['report: about [redacted]', 'end: 1'];

describe('an error that nobody caught', () => {
  it('is told by whoever can tell it best, reported without secrets, and ends the process', () => {
    const { told, better, source, crash } = watched();
    better(() => told.push('the log'));
    crash();
    expect(told).toEqual(['the log', ...REPORTED]);
    expect(source.report.excludeEnv).toBe(true);
  });

  it('is told plainly when nobody else is there yet, or the log is what failed', () => {
    const early = watched();
    early.crash();
    expect(early.told).toEqual(['plainly: Error: about [redacted]', ...REPORTED]);
    const broken = watched();
    broken.better(() => {
      throw new Error('EPIPE');
    });
    broken.crash();
    expect(broken.told).toEqual(['plainly: Error: about [redacted]', ...REPORTED]);
  });
});
