import type { RegisterOptions } from 'fastify'

/** A plugin's own options: `register` hands over those for itself as well. */
export function ownOptions<T extends object>(options: T & RegisterOptions): Omit<T, keyof RegisterOptions> {
  const { prefix: _prefix, logLevel: _level, logSerializers: _serializers, ...own } = options
  return own
}
