import { isIP } from 'node:net'
import { InvalidArgumentError } from '../shared/errors.ts'

/** Letters, digits, `-`, `_` and dots, as host names have them. */
const HOST = /^(?=.{1,253}$)[\w](?:[\w-]{0,61}\w)?(?:\.\w(?:[\w-]{0,61}\w)?)*\.?$/

/** @throws InvalidArgumentError for what is no host, no port, or no weight. */
export function checkAddress(host: unknown, port: unknown): void {
  if (typeof host !== 'string' || !(isIP(host) !== 0 || (HOST.test(host) && !/^[\d.]+$/.test(host)))) {
    throw new InvalidArgumentError('host', 'a host name or an IP address, without scheme, port and path', host)
  }
  if (!Number.isInteger(port) || (port as number) < 1 || (port as number) > 65_535) {
    throw new InvalidArgumentError('port', 'an integer from 1 to 65535', port)
  }
}
