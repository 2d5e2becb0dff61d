import { checkOptions, option } from '../../../../shared/options.ts'

export interface ClusterTargetOptions {
  /**
   * The module that workers run.
   * @defaultValue `exec` of `cluster.settings`: the module that this process runs
   */
  readonly exec?: string
  /**
   * Arguments of the module.
   * @defaultValue the value in `cluster.settings`
   */
  readonly args?: readonly string[]
  /**
   * Arguments of Node.
   * @defaultValue the value in `cluster.settings`
   */
  readonly execArgv?: readonly string[]
  /**
   * Additional environment variables of the workers.
   * @defaultValue {}
   */
  readonly env?: Readonly<Record<string, string>>
  /**
   * When a worker counts as up: `listening` when it listens, `message` when it sends `process.send('ready')`,
   * `online` when it runs.
   * @defaultValue 'listening'
   */
  readonly ready?: 'listening' | 'message' | 'online'
  /**
   * Milliseconds that a worker may take to be up; then it is ended. Minimum: `100`.
   * @defaultValue 60000
   */
  readonly startTimeoutMs?: number
  /**
   * Milliseconds that a worker has to finish when it receives no new requests. After that, it is terminated.
   * Minimum: `0`.
   * @defaultValue 10000
   */
  readonly graceMs?: number
  /**
   * Bytes of memory that a worker takes: none is started where there are fewer. Minimum: `0`.
   * @defaultValue 134217728
   */
  readonly workerBytes?: number
  /**
   * Bytes of memory that are left free besides. Minimum: `0`.
   * @defaultValue 268435456
   */
  readonly reserveBytes?: number
  /** Called if a worker dies, does not come up, or cannot be replaced. */
  readonly onProblem?: (error: Error) => void
}

type WithoutDefault = 'exec' | 'args' | 'execArgv' | 'onProblem'

export type ResolvedClusterTargetOptions = Required<Omit<ClusterTargetOptions, WithoutDefault>> & {
  readonly [K in WithoutDefault]: ClusterTargetOptions[K] | undefined
}

const rules = {
  exec: { expected: 'a path', accepts: (value: unknown) => typeof value === 'string' && value !== '' },
  args: option.strings,
  execArgv: option.strings,
  env: option.object,
  ready: option.oneOf('listening', 'message', 'online'),
  startTimeoutMs: option.number(100),
  graceMs: option.number(0),
  workerBytes: option.number(0),
  reserveBytes: option.number(0),
  onProblem: option.callback,
}

/**
 * @throws InvalidOptionError that names the first option that is unknown, of the wrong type, or out of
 *   bounds.
 */
export function resolveClusterTargetOptions(options: ClusterTargetOptions): ResolvedClusterTargetOptions {
  checkOptions(options, rules)
  return {
    exec: options.exec,
    args: options.args,
    execArgv: options.execArgv,
    env: options.env ?? {},
    ready: options.ready ?? 'listening',
    startTimeoutMs: options.startTimeoutMs ?? 60_000,
    graceMs: options.graceMs ?? 10_000,
    workerBytes: options.workerBytes ?? 134_217_728,
    reserveBytes: options.reserveBytes ?? 268_435_456,
    onProblem: options.onProblem,
  }
}
