import type { FastifyInstance, FastifyPluginAsync, RegisterOptions } from 'fastify'
import fp from 'fastify-plugin'

/**
 * Creates a plugin for Fastify 5. `register` receives the plugin's options only: Fastify passes its options,
 * such as `prefix`, in the same object.
 *
 * @param encapsulate - Whether the plugin's hooks and routes stay in a separate context. Default: no.
 */
export function definePlugin<T extends object>(
  name: string,
  register: (app: FastifyInstance, options: T) => Promise<void>,
  encapsulate = false,
): FastifyPluginAsync<T> {
  const plugin: FastifyPluginAsync<T & RegisterOptions> = async (app, options) => {
    const { prefix: _prefix, logLevel: _level, logSerializers: _serializers, ...own } = options
    await register(app, own as unknown as T)
  }
  return fp(plugin, { name, fastify: '5.x', encapsulate })
}
