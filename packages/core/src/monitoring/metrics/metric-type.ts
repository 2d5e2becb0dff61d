import { InvalidArgumentError, SluiceError } from '../../shared/errors.ts'
import { checkOptions, type OptionRule, option } from '../../shared/options.ts'

/** The types that are always there. */
export type BuiltInMetric =
  | 'cpu'
  | 'memory'
  | 'disk'
  | 'network'
  | 'requests'
  | 'responseTime'
  | 'errorRate'
  | 'connections'
  | 'eventLoopUtilization'
  | 'eventLoopDelay'
  | 'gcPause'
  | 'cpuThrottling'
  | 'poolWait'

/** The name of a type of metric: a built-in one, or one that was registered. */
export type MetricName = BuiltInMetric | (string & {})

/** How values of several sources are one value: of loads the sum, of shares the mean. */
type AcrossSources = 'sum' | 'mean' | 'max'

export interface MetricTypeOptions {
  /**
   * Unit of the values, for display.
   * @defaultValue none
   */
  readonly unit?: string
  /**
   * Above it there is a warning. In its unit.
   * @defaultValue no warning
   */
  readonly warning?: number
  /**
   * Above it there is a critical alert. In its unit.
   * @defaultValue no alert
   */
  readonly critical?: number
  /**
   * How values of several sources are one value: `'sum'` of loads, `'mean'` of shares, `'max'` where the
   * worst counts.
   * @defaultValue 'mean'
   */
  readonly across?: AcrossSources
  /**
   * Description in one sentence, for `/metrics`.
   * @defaultValue the name of the metric
   */
  readonly description?: string
}

/** A type of metric. */
export interface MetricType {
  readonly name: string
  readonly unit: string
  readonly warning: number | undefined
  readonly critical: number | undefined
  readonly across: AcrossSources
  readonly description: string
}

const NAME = /^[A-Za-z][A-Za-z0-9_.]{0,99}$/

const builtIn: Readonly<Record<BuiltInMetric, MetricTypeOptions>> = {
  cpu: {
    unit: '%',
    warning: 70,
    critical: 90,
    description: 'CPU usage, relative to the limit of the process',
  },
  memory: {
    unit: '%',
    warning: 75,
    critical: 90,
    description: 'Memory usage, relative to the limit of the process',
  },
  disk: { unit: '%', warning: 80, critical: 95, description: 'Disk usage' },
  network: { unit: 'Mbps', across: 'sum', description: 'Sent and received' },
  requests: { unit: 'req/s', across: 'sum', description: 'Requests' },
  responseTime: { unit: 'ms', warning: 500, critical: 2_000, description: 'Time until a response' },
  errorRate: { unit: '%', warning: 2, critical: 5, description: 'Requests that failed' },
  connections: { unit: '', across: 'sum', description: 'Open connections' },
  eventLoopUtilization: { unit: '%', across: 'max', description: 'Time in which the event loop was busy' },
  eventLoopDelay: { unit: 'ms', across: 'max', description: 'How late the event loop was' },
  gcPause: { unit: 'ms', across: 'max', description: 'Pauses of the garbage collector' },
  cpuThrottling: { unit: '%', across: 'max', description: 'Periods in which the container was held back' },
  poolWait: { unit: 'ms', across: 'max', description: 'Waiting for a connection of the pool' },
}

const rules: Readonly<Record<keyof MetricTypeOptions, OptionRule>> = {
  unit: { expected: 'a string', accepts: (value) => typeof value === 'string' },
  warning: option.number(0),
  critical: option.number(0),
  across: option.oneOf('sum', 'mean', 'max'),
  description: { expected: 'a string', accepts: (value) => typeof value === 'string' },
}

/** The metric is not registered. */
export class UnknownMetricError extends SluiceError {
  constructor(
    readonly metric: string,
    known: readonly string[],
  ) {
    super(
      'SLUICE_UNKNOWN_METRIC',
      `Unknown metric "${metric}". Known metrics: ${known.join(', ')}. Call registerMetric("${metric}") first.`,
    )
  }
}

export class MetricTypes {
  readonly #types = new Map<string, MetricType>()

  constructor() {
    for (const [name, options] of Object.entries(builtIn)) this.register(name, options)
  }

  get all(): readonly MetricType[] {
    return [...this.#types.values()]
  }

  /**
   * Registers a type, or replaces an existing one.
   *
   * @throws InvalidArgumentError for an invalid name; InvalidOptionError.
   */
  register(name: string, options: MetricTypeOptions): MetricType {
    if (typeof name !== 'string' || !NAME.test(name))
      throw new InvalidArgumentError('name', 'a letter and up to 99 letters, digits, "_" and "."', name)
    checkOptions(options, rules)
    const { unit = '', warning, critical, across = 'mean', description = name } = options
    if (warning !== undefined && critical !== undefined && critical < warning)
      throw new InvalidArgumentError('critical', `a number of at least \`warning\` (${warning})`, critical)
    const type = { name, unit, warning, critical, across, description }
    this.#types.set(name, type)
    return type
  }

  has(name: string): boolean {
    return this.#types.has(name)
  }

  /** @throws UnknownMetricError. */
  get(name: string): MetricType {
    const type = this.#types.get(name)
    if (type === undefined) throw new UnknownMetricError(String(name), [...this.#types.keys()])
    return type
  }
}
