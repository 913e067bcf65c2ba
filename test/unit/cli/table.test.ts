import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { displayWidth, formatTable, printable } from '../../../src/cli/table.ts';

const COLUMNS = [{ title: 'NAME', shrinks: true }, { title: 'TTL', align: 'right' }, { title: 'STATE' }] as const;

describe('a table', () => {
  it('aligns its columns and leaves no space at the end of lines', () => {
    const rows = [
      ['a.example.com', 300, 'in_sync'],
      ['long-name.example.com', 1, null],
    ];
    expect(formatTable({ columns: COLUMNS, rows, width: null })).toBe(
      [
        'NAME                   TTL  STATE',
        'a.example.com          300  in_sync',
        'long-name.example.com    1',
        '',
      ].join('\n'),
    );
  });

  it('is nothing without rows', () => {
    expect(formatTable({ columns: COLUMNS, rows: [], width: 80 })).toBe('');
  });

  it('cuts what may shrink to the width of the terminal', () => {
    const rows = [['a-very-long-name-indeed.example.com', 300, 'in_sync']];
    const lines = formatTable({ columns: COLUMNS, rows, width: 30 }).split('\n');
    expect(lines[1]).toBe('a-very-long-nam…  300  in_sync');
    expect(lines[1]).toHaveLength(30);
  });

  it('is wider than the terminal where nothing can give any more', () => {
    const rows = [['a-very-long-name', 300, 'in_sync']];
    expect(formatTable({ columns: COLUMNS, rows, width: 5 })).toContain('a-very-…  300  in_sync');
  });

  it('counts letters as the terminal shows them', () => {
    expect(displayWidth('日本')).toBe(4);
    expect(displayWidth('café')).toBe(4);
    expect(displayWidth('cafe\u0301')).toBe(4);
    const text = formatTable({
      columns: [{ title: 'N' }, { title: 'S' }],
      rows: [
        ['日本.jp', 'x'],
        ['ab.com', 'y'],
      ],
      width: null,
    });
    expect(text).toBe('N        S\n日本.jp  x\nab.com   y\n');
  });

  it('shows nothing that a terminal would obey', () => {
    expect(printable('a\u001b[31mb\nc\u202ed\u0007')).toBe('a\ufffd[31mb\ufffdc\ufffdd\ufffd');
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.string({ unit: 'binary' }), fc.integer(), fc.string()), { minLength: 1 }),
        (rows) => {
          const lines = formatTable({ columns: COLUMNS, rows, width: 60 }).split('\n');
          expect(lines).toHaveLength(rows.length + 2);
          // biome-ignore lint/suspicious/noControlCharactersInRegex: that there is none is what is checked.
          for (const line of lines) expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e]/);
        },
      ),
    );
  });
});
