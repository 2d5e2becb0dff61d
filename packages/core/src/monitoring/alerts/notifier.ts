import { checkOptions, type OptionRule, option } from '../../shared/options.ts'
import { plainLine } from '../../shared/plain-line.ts'
import { secretRule } from '../../shared/signature.ts'
import { pause, within } from '../../shared/timers.ts'
import { isSuccess, postWebhook, webhookUrl } from '../../shared/webhook.ts'
import type { Alert, AlertChange } from './alert-book.ts'

/**
 * Sends alerts to people. An error is emitted as the event `error`, and the call is retried 3 times; it has
 * no other effect.
 */
export interface Notifier {
  readonly name: string
  /** @param signal - Aborted when Sluice no longer waits for the call. */
  notify(alert: Alert, change: AlertChange, signal: AbortSignal): void | Promise<void>
}

const ATTEMPTS = 4
const WAIT_MS = 1_000
const MAX_WAITING = 1_000

interface Notice {
  readonly alert: Alert
  readonly change: AlertChange
}

/** Delivers notices to one notifier, in order, one at a time. */
class Delivery {
  readonly #waiting: Notice[] = []
  readonly #ending = new AbortController()
  #isBusy = false

  constructor(
    private readonly notifier: Notifier,
    private readonly timeoutMs: number,
    private readonly onError: (error: unknown) => void,
  ) {}

  push(notice: Notice): void {
    this.#waiting.push(notice)
    // The oldest matter least.
    if (this.#waiting.length > MAX_WAITING) this.#waiting.shift()
    if (!this.#isBusy) this.#deliver().catch(this.onError)
  }

  /** Drops pending notifications and aborts the running ones. */
  end(): void {
    this.#ending.abort()
  }

  async #deliver(): Promise<void> {
    this.#isBusy = true
    try {
      for (let notice = this.#waiting.shift(); notice !== undefined; notice = this.#waiting.shift())
        await this.#notify(notice)
    } finally {
      this.#isBusy = false
    }
  }

  async #notify(notice: Notice): Promise<void> {
    const { signal } = this.#ending
    for (let attempt = 1; !signal.aborted; attempt += 1) {
      try {
        await this.#once(notice)
        return
      } catch (error) {
        if (signal.aborted) return
        this.onError(error)
        if (attempt === ATTEMPTS) return
        await pause(WAIT_MS * 2 ** (attempt - 1), signal)
      }
    }
  }

  async #once({ alert, change }: Notice): Promise<void> {
    const ending = new AbortController()
    const signal = AbortSignal.any([ending.signal, this.#ending.signal])
    const notifying = Promise.resolve(this.notifier.notify(alert, change, signal))
    try {
      await within(
        this.timeoutMs,
        notifying,
        `The notifier "${this.notifier.name}" did not finish within ${this.timeoutMs} ms.`,
      )
    } catch (error) {
      ending.abort(error)
      throw error
    }
  }
}

/** Tells all notifiers. None waits for another. */
export class Notifiers {
  readonly #deliveries = new Set<Delivery>()

  constructor(
    private readonly timeoutMs: number,
    private readonly onError: (error: unknown) => void,
  ) {}

  /** @returns The function that takes it away. */
  add(notifier: Notifier): () => void {
    const delivery = new Delivery(notifier, this.timeoutMs, this.onError)
    this.#deliveries.add(delivery)
    return () => {
      delivery.end()
      this.#deliveries.delete(delivery)
    }
  }

  send(alert: Alert, change: AlertChange): void {
    for (const delivery of this.#deliveries) delivery.push({ alert, change })
  }

  close(): void {
    for (const delivery of this.#deliveries) delivery.end()
    this.#deliveries.clear()
  }
}

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
