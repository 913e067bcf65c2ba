/** The process of the tests beside this: starts an embedded PostgreSQL, says where, and then does as it is told. */
import { startEmbeddedPostgres } from '../../../src/embedded/postgres.ts';

const [then = '', directory] = process.argv.slice(2);
const server = await startEmbeddedPostgres({ durable: false, ...(directory === undefined ? {} : { directory }) });
process.stdout.write(`${JSON.stringify({ pid: server.pid, url: server.url, directory: server.directory })}\n`);
if (then === 'exit') process.exit(3);
if (then === 'throw') throw new Error('as told');
if (then === 'stay') setInterval(() => undefined, 60_000);
