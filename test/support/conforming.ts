import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';

interface Description {
  readonly paths: Readonly<
    Record<string, Readonly<Record<string, { readonly responses?: Readonly<Record<string, ResponseDescription>> }>>>
  >;
}
interface ResponseDescription {
  readonly content?: Readonly<Record<string, { readonly schema: object }>>;
}

/** An answer that was held to the description. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: the schema says what it is; tests look into it freely.
  readonly body: any;
}

/** Calls an API and holds every answer, errors included, to the `/openapi.json` that it serves. */
export class ConformingClient {
  readonly #url: string;
  readonly #description: Description;
  readonly #ajv: Ajv2020;
  readonly #validators = new Map<object, ValidateFunction>();

  private constructor(url: string, description: Description) {
    this.#url = url;
    this.#description = description;
    this.#ajv = new Ajv2020({ strict: false, allErrors: true });
    formats.default(this.#ajv);
    this.#ajv.addSchema(description, 'api');
  }

  static async of(url: string): Promise<ConformingClient> {
    return new ConformingClient(url, (await (await fetch(`${url}/openapi.json`)).json()) as Description);
  }

  /** Throws when the answer is not described, or not as described. */
  async call(
    method: string,
    path: string,
    init: { readonly body?: unknown; readonly headers?: Record<string, string> } = {},
  ): Promise<Answer> {
    const json = init.body !== undefined && typeof init.body !== 'string';
    const response = await fetch(`${this.#url}${path}`, {
      method,
      headers: { ...(json && { 'content-type': 'application/json' }), ...init.headers },
      ...(init.body !== undefined && { body: json ? JSON.stringify(init.body) : (init.body as string) }),
    });
    const type = (response.headers.get('content-type') ?? '').split(';', 1)[0] ?? '';
    const text = await response.text();
    const body: unknown = type.endsWith('json') ? JSON.parse(text) : text;
    if (type.endsWith('json')) this.#hold(method, path, response.status, body);
    return { status: response.status, headers: response.headers, body };
  }

  #hold(method: string, path: string, status: number, body: unknown): void {
    const template = this.#template(path.split('?', 1)[0] ?? path);
    // What has no route is answered with a problem like any other error.
    const responses =
      template === undefined ? undefined : this.#description.paths[template]?.[method.toLowerCase()]?.responses;
    const described = responses?.[String(status)] ?? responses?.[`${Math.floor(status / 100)}XX`] ?? responses?.default;
    const [content] = Object.values(described?.content ?? {});
    if (responses === undefined && status >= 400) return;
    if (content === undefined) throw new Error(`${method} ${path}: ${status} is not described.`);
    let validate = this.#validators.get(content.schema);
    if (validate === undefined) {
      validate = this.#ajv.compile(absolute(content.schema));
      this.#validators.set(content.schema, validate);
    }
    if (validate(body)) return;
    throw new Error(
      `${method} ${path}: ${status} is not as described: ${this.#ajv.errorsText(validate.errors)}\n${JSON.stringify(body).slice(0, 1_000)}`,
    );
  }

  #template(path: string): string | undefined {
    return Object.keys(this.#description.paths).find((template) =>
      new RegExp(`^${template.replace(/\{[^}]+\}/g, '[^/]+')}$`).test(path),
    );
  }
}

/** References of the description, as seen from outside of it. */
function absolute(schema: object): object {
  return JSON.parse(JSON.stringify(schema).replaceAll('"$ref":"#/', '"$ref":"api#/')) as object;
}
