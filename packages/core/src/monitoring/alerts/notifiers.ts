import { InvalidArgumentError } from '../../shared/errors.ts'
import { checkOptions, type OptionRule, option } from '../../shared/options.ts'
import { hmacOf } from '../../shared/signature.ts'
import type { Alert, AlertChange } from './alert-book.ts'
import type { Notifier } from './notifier.ts'

const signs: Readonly<Record<AlertChange, string>> = {
  raised: '▲',
  escalated: '▲▲',
  eased: '▽',
  acknowledged: '·',
  resolved: '✓',
}

/** Writes alerts to stderr, a line each. @param write - In place of stderr. */
export function consoleNotifier(write: (line: string) => void = (line) => void process.stderr.write(`${line}\n`)): Notifier {
  return {
    name: 'console',
    notify: (alert, change) =>
      write(`${signs[change]} ${alert.severity} ${change}: ${alert.message}${by(alert, change)}`.replace(/\p{Cc}+/gu, ' ')),
  }
}

export interface WebhookNotifierOptions {
  /**
   * Signs what is sent: `sluice-signature` is the HMAC-SHA-256, in hexadecimal digits, of the value of `sluice-timestamp`, a dot, and the body. The timestamp
   * is that of the sending, in milliseconds since 1970: one that is old is of a repetition by somebody else.
   * @defaultValue not signed
   */
  readonly secret?: string
  /**
   * Headers that are sent besides.
   * @defaultValue none
   */
  readonly headers?: Readonly<Record<string, string>>
}

const rules: Readonly<Record<keyof WebhookNotifierOptions, OptionRule>> = {
  secret: { expected: 'a text that is not empty', accepts: (value) => typeof value === 'string' && value !== '' },
  headers: option.object,
}

/**
 * Posts alerts to an address as JSON: `{ event: 'alert:raised', alert }`. An answer that is no success is an error, and it is sent again with the same `idempotency-key`.
 *
 * @throws InvalidArgumentError for what is no address of HTTP; InvalidOptionError.
 */
export function webhookNotifier(url: string, options: WebhookNotifierOptions = {}): Notifier {
  const { protocol, host, username } = URL.canParse(url) ? new URL(url) : { protocol: '', host: '', username: '' }
  // `fetch` takes none with a name in it: a header does that.
  if (!/^https?:$/.test(protocol) || username !== '')
    throw new InvalidArgumentError('url', 'an address of http or https, without a name and a password', url)
  checkOptions(options, rules)
  return {
    name: `webhook ${host}`,
    notify: async (alert, change, signal) => {
      const body = JSON.stringify({ event: `alert:${change}`, alert })
      const response = await fetch(url, {
        method: 'POST',
        headers: headersOf(body, alert, change, options),
        body,
        redirect: 'error',
        signal,
      })
      await response.body?.cancel()
      if (!response.ok) throw new Error(`The webhook of alerts answered ${response.status}.`)
    },
  }
}

function headersOf(
  body: string,
  alert: Alert,
  change: AlertChange,
  { secret, headers = {} }: WebhookNotifierOptions,
): Record<string, string> {
  // Of this sending: the latest value of an alert that somebody resolves may be hours old.
  const timestamp = String(Date.now())
  const signature = secret === undefined ? {} : { 'sluice-signature': hmacOf(secret, `${timestamp}.${body}`).toString('hex') }
  const key = `${alert.id}-${change}-${alert.updatedAt}`
  return { ...headers, 'content-type': 'application/json', 'idempotency-key': key, 'sluice-timestamp': timestamp, ...signature }
}

function by({ acknowledgedBy, resolvedBy }: Alert, change: AlertChange): string {
  const who = change === 'acknowledged' ? acknowledgedBy : change === 'resolved' ? resolvedBy : undefined
  return who === undefined ? '' : `, by ${who}`
}
