import { words } from '../../sql/keywords.ts'
import { functionIdentity } from './function-identity.ts'

/**
 * Options that identify the database and the user, or determine how connections are opened. Any other can
 * change the form of results.
 */
const AROUND =
  words(`host port user database socketPath localAddress ssl stream pool uri password password1 password2
  password3 passwordSha1 insecureAuth authPlugins authSwitchHandler connectTimeout enableKeepAlive
  keepAliveInitialDelay compress connectAttributes infileStreamFactory maxPreparedStatements
  maxPacketSize isServer debug trace gracefulEnd`)

/**
 * Identifies the options of connections that change results. The same in every process with the same options.
 *
 * @returns `undefined` if one of them is a function, because those of two processes cannot be compared.
 */
export function mysql2Settings(options: object): string | undefined {
  const used = Object.entries(options).filter(([name]) => !AROUND.has(name))
  try {
    // The default `timezone` of `mysql2` is that of the process.
    const { timeZone } = Intl.DateTimeFormat().resolvedOptions()
    return JSON.stringify([timeZone, used.sort(([a], [b]) => (a < b ? -1 : 1))], withoutFunctions)
  } catch {
    return undefined
  }
}

function withoutFunctions(_name: string, value: unknown): unknown {
  if (typeof value === 'function') throw new TypeError('A function cannot be compared.')
  return value
}

/** The options that determine how values are converted, and in which database and by which user. */
const CONVERTING =
  `supportBigNumbers bigNumberStrings decimalNumbers dateStrings timezone queryFormat stringifyObjects
  rowsAsArray nestTables typeCast jsonStrings charsetNumber namedPlaceholders database user`.split(/\s+/)

type Options = Readonly<Record<string, unknown>>

/** Follows the options of connections, which an app can change at any time, also on one of them. */
export class Mysql2Conversions {
  #used: readonly unknown[] | undefined
  #version = 0
  #shared: { readonly version: number; readonly text: string | undefined } | undefined

  /** @param optionsOf - Returns the options that may convert the next result. */
  constructor(private readonly optionsOf: () => Iterable<Options>) {}

  /**
   * Identifies the options at this moment, in this process; `undefined`: connections differ from each other.
   */
  current(): string | undefined {
    let isFirst = true
    for (const options of this.optionsOf()) {
      const isUsed = CONVERTING.every((name, at) => options[name] === this.#used?.[at])
      if (!isFirst && !isUsed) return undefined
      if (!isUsed) {
        if (this.#used !== undefined) this.#version += 1
        this.#used = CONVERTING.map((name) => options[name])
      }
      isFirst = false
    }
    return this.#version === 0 ? '' : `v${this.#version}`
  }

  /** Identifies the options in every process; `undefined`: unknown, or not known yet. */
  shared(): string | undefined {
    if (this.current() === undefined || this.#used === undefined) return undefined
    if (this.#shared?.version !== this.#version)
      this.#shared = { version: this.#version, text: textOf(this.#used) }
    return this.#shared.text
  }
}

function textOf(values: readonly unknown[]): string | undefined {
  const parts = values.map((value) =>
    typeof value === 'function' ? functionIdentity(value) : (JSON.stringify(value) ?? 'undefined'),
  )
  return parts.includes(undefined) ? undefined : JSON.stringify(parts)
}

/**
 * The options of the connections of a pool of `mysql2`, those of new ones first.
 *
 * @param connections - The pool's list, if it exposes it.
 */
export function* optionsOfPool(options: object, connections: unknown): Iterable<Options> {
  yield options as Options
  const { length = 0, get } = (connections ?? {}) as {
    readonly length?: number
    get?(index: number): { readonly config?: Options } | undefined
  }
  for (let at = 0; at < length; at++) {
    const config = get?.call(connections, at)?.config
    if (config !== undefined && config !== options) yield config
  }
}
