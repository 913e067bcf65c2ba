type Environment = Readonly<Record<string, string | undefined>>;

/** What the environment says of traces, by OpenTelemetry's own variables, as far as we read them and not its SDK. */
export interface TraceSettings {
  /** Are traces asked for? Only then is anything of OpenTelemetry loaded. */
  readonly wanted: boolean;
  /** What was asked for and is not there, a sentence each. */
  readonly unsupported: readonly string[];
  /** Values of headers, which are not to be seen anywhere. */
  readonly secrets: readonly string[];
}

/** What the exporter sends; the endpoint of a collector that takes OTLP over HTTP takes it, too. */
const PROTOCOL = 'http/json';
/** Shorter values of headers are no secrets, and hiding such words would make lines unreadable. */
const MIN_SECRET_LENGTH = 8;

/** Traces are sent where an endpoint is named, or where the exporter `otlp` is asked for: then to the standard's endpoint. */
export function traceSettings(env: Environment): TraceSettings {
  const exporters = list(env.OTEL_TRACES_EXPORTER);
  const endpoint = env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT || env.OTEL_EXPORTER_OTLP_ENDPOINT;
  const disabled = env.OTEL_SDK_DISABLED?.toLowerCase() === 'true' || exporters.includes('none');
  const wanted = !disabled && (exporters.length === 0 ? Boolean(endpoint) : exporters.includes('otlp'));
  return {
    wanted,
    unsupported: disabled ? [] : [...unsupportedExporters(exporters), ...(wanted ? unsupportedProtocol(env) : [])],
    secrets: wanted ? secretsOf(env) : [],
  };
}

function unsupportedExporters(exporters: readonly string[]): string[] {
  return exporters
    .filter((name) => name !== 'otlp')
    .map((name) => `OTEL_TRACES_EXPORTER: the exporter "${name}" is not supported, only "otlp" and "none" are`);
}

function unsupportedProtocol(env: Environment): string[] {
  const name = env.OTEL_EXPORTER_OTLP_TRACES_PROTOCOL
    ? 'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL'
    : 'OTEL_EXPORTER_OTLP_PROTOCOL';
  const protocol = env[name];
  if (!protocol || protocol === PROTOCOL) return [];
  return [`${name}: the protocol "${protocol}" is not supported, traces are sent by ${PROTOCOL}`];
}

/** As the standard writes them: `name=value,…`, percent-encoded. Of `Bearer …` the word behind it, too. */
function secretsOf(env: Environment): string[] {
  return [env.OTEL_EXPORTER_OTLP_HEADERS, env.OTEL_EXPORTER_OTLP_TRACES_HEADERS]
    .flatMap(list)
    .flatMap((pair) => {
      const value = pair.slice(pair.indexOf('=') + 1).trim();
      const plain = decoded(value);
      return [value, plain, plain.split(/\s+/).at(-1) ?? ''];
    })
    .filter((value) => value.length >= MIN_SECRET_LENGTH);
}

function list(text: string | undefined): string[] {
  return (text ?? '')
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
