import { readdirSync, readFileSync } from 'node:fs';

const FOLDER = 'docs/runbooks';

/** Something that a runbook says, and in which. */
export interface Said {
  readonly where: string;
  readonly text: string;
}

/** The lines of all code blocks in one language, such as `sh`: each stands for itself. */
export function blockLines(language: string): Said[] {
  return runbooks().flatMap(({ where, text }) =>
    [...text.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].flatMap(([, block = '']) =>
      block
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => ({ where, text: line })),
    ),
  );
}

/** The languages of all code blocks. */
export const languages = (): Set<string> =>
  new Set(runbooks().flatMap(({ text }) => [...text.matchAll(/^```(\w+)$/gm)].map(([, language = '']) => language)));

/** What stands between single backticks in running text: commands, settings, values of the chart, codes. */
export function spans(): Said[] {
  return runbooks().flatMap(({ where, text }) =>
    [...text.replace(/^```[\s\S]*?^```$/gm, '').matchAll(/`([^`]+)`/g)].map(([, span = '']) => ({ where, text: span })),
  );
}

/** Where the links lead. */
export function links(): Said[] {
  return runbooks().flatMap(({ where, text }) =>
    [...text.matchAll(/\]\(([^)]+)\)/g)].map(([, link = '']) => ({ where, text: link })),
  );
}

function runbooks(): Said[] {
  return readdirSync(FOLDER).map((file) => ({ where: file, text: readFileSync(`${FOLDER}/${file}`, 'utf8') }));
}
