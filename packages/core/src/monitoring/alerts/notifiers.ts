import { checkOptions, type OptionRule, option } from '../../shared/options.ts'
import { plainLine } from '../../shared/plain-line.ts'
import { secretRule } from '../../shared/signature.ts'
import { isSuccess, postWebhook, webhookUrl } from '../../shared/webhook.ts'
import type { Alert, AlertChange } from './alert-book.ts'
import type { Notifier } from './notifier.ts'

const signs: Readonly<Record<AlertChange, string>> = {
  raised: '▲',
  escalated: '▲▲',
  downgraded: '▽',
  acknowledged: '·',
  resolved: '✓',
}

/**
 * Writes alerts to stderr, one line each.
 *
 * @param write - Replaces stderr.
 */
export function consoleNotifier(
  write: (line: string) => void = (line) => void process.stderr.write(`${line}\n`),
): Notifier {
  return {
    name: 'console',
    notify: (alert, change) =>
      write(plainLine(`${signs[change]} ${alert.severity} ${change}: ${alert.message}${by(alert, change)}`)),
  }
}

export interface WebhookNotifierOptions {
  /**
   * Signs each request by the scheme of Standard Webhooks: `webhook-signature` is `v1,` and the HMAC-SHA256,
   * in Base64, of `webhook-id`, `webhook-timestamp` (seconds) and the body, with dots between. At least 16
   * characters; after `whsec_`, the key in Base64. Receivers check it with `isSignedWebhook`.
   * @defaultValue none: requests are not signed
   */
  readonly secret?: string
  /**
   * Headers that are sent besides.
   * @defaultValue none
   */
  readonly headers?: Readonly<Record<string, string>>
  /**
   * Whether the address may be private, link-local or reserved, such as `localhost`.
   * @defaultValue false
   */
  readonly allowPrivateAddresses?: boolean
}

const rules: Readonly<Record<keyof WebhookNotifierOptions, OptionRule>> = {
  secret: secretRule,
  headers: option.object,
  allowPrivateAddresses: option.boolean,
}

/**
 * Posts alerts to an address as JSON: `{ event: 'alert:raised', alert }`. Any status other than 2xx is an
 * error, and the request is sent again with the same `webhook-id`. Redirects are not followed.
 *
 * @throws InvalidArgumentError for an invalid address, and for one with credentials, which belong in
 *   `headers`; InvalidOptionError.
 */
export function webhookNotifier(url: string, options: WebhookNotifierOptions = {}): Notifier {
  const address = webhookUrl(url)
  checkOptions(options, rules)
  const { secret, headers = {}, allowPrivateAddresses = false } = options
  return {
    name: `webhook ${address.host}`,
    notify: async (alert, change, signal) => {
      const body = JSON.stringify({ event: `alert:${change}`, alert })
      const id = `${alert.id}-${change}-${alert.updatedAt}`
      const status = await postWebhook({
        url: address,
        body,
        id,
        secret,
        headers,
        allowPrivateAddresses,
        signal,
      })
      if (!isSuccess(status))
        throw new Error(`The alert webhook responded with status ${status}. Expected 200 to 299.`)
    },
  }
}

function by({ acknowledgedBy, resolvedBy }: Alert, change: AlertChange): string {
  const who = change === 'acknowledged' ? acknowledgedBy : change === 'resolved' ? resolvedBy : undefined
  return who === undefined ? '' : `, by ${who}`
}
