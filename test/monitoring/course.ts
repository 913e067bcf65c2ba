/** A series, minute by minute: its value from the minute and the value before; null where nothing is scraped. */
export type Run = (minute: number, before: number) => number | null;

/** One series: how it goes in the trouble, and how, the same series, after its end. */
export type Course = readonly [trouble: Run, after: Run];

/** A gauge. */
export const stays =
  (value: number): Run =>
  () =>
    value;

/** A counter: it goes on from where it was. By 0, it rests there. */
export const counts =
  (by: number): Run =>
  (_, before) =>
    before + by;

/** A counter of what is tried again and again: after one minute, two, four and so on, and then every fifteen. */
export const retries: Run = (minute, before) =>
  [1, 2, 4, 8, 16].includes(minute) || (minute > 16 && minute % 15 === 1) ? before + 1 : before;

/** It is there, with 1, until this minute. */
export const lives =
  (until: number): Run =>
  (minute) =>
    minute < until ? 1 : null;

/** A time stamp that is always now; Unix time begins with the test. */
export const now: Run = (minute) => minute * 60;

/** The seconds of something that has been going on since the test began. */
export const ages: Run = (minute) => minute * 60;

/** Nobody exposes it. */
export const nothing: Run = () => null;

/** In promtool's notation, a minute between two values: the trouble up to its last minute, then what is after it. */
export function written([trouble, after]: Course, lastOfTrouble: number, until: number): string {
  const values: (number | null)[] = [];
  let before = 0;
  for (let minute = 0; minute <= until; minute++) {
    const value = (minute <= lastOfTrouble ? trouble : after)(minute, before);
    values.push(value);
    before = value ?? before;
  }
  return values.map((value) => value ?? '_').join(' ');
}
