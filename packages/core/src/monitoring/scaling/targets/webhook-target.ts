import { errorMessage } from '../../../shared/error-message.ts'
import { randomUUID } from '../../../shared/late-modules.ts'
import { checkOption, checkOptions, option } from '../../../shared/options.ts'
import { PrivateAddressError } from '../../../shared/public-address.ts'
import { secretRule } from '../../../shared/signature.ts'
import { isInstance } from '../../../shared/thrown.ts'
import { pause, timeoutSignal } from '../../../shared/timers.ts'
import { isSuccess, postWebhook, type WebhookPost, webhookUrl } from '../../../shared/webhook.ts'
import { type ScalerTarget, ScalingFailedError } from '../scaling-executor.ts'

export interface WebhookTargetOptions {
  /** Signs each request: a string of at least 16 characters. */
  readonly secret: string
  /** How many workers run or are starting. */
  readonly current: () => number | Promise<number>
  /**
   * Milliseconds that an answer may take. Minimum: `10`.
   * @defaultValue 10000
   */
  readonly timeoutMs?: number
  /**
   * How often a demand is sent before it has failed. Minimum: `1`.
   * @defaultValue 3
   */
  readonly attempts?: number
  /**
   * Milliseconds before it is sent again, doubled each time. Minimum: `0`.
   * @defaultValue 500
   */
  readonly retryMs?: number
  /**
   * Whether the address may be private, link-local or reserved, such as `localhost`.
   * @defaultValue false
   */
  readonly allowPrivateAddresses?: boolean
}

const rules = {
  secret: secretRule,
  current: option.callback,
  timeoutMs: option.number(10),
  attempts: option.integer(1),
  retryMs: option.number(0),
  allowPrivateAddresses: option.boolean,
}

/**
 * Sends the required number of workers to a URL: a POST with `{ desired, reason, requestedAt }` as JSON,
 * signed by the scheme of Standard Webhooks (see `isSignedWebhook`), with an `idempotency-key` that stays the
 * same in retries. The number is absolute; of two requests, the one with the later `requestedAt` applies.
 *
 * @throws InvalidOptionError; InvalidArgumentError if it is not an http or https URL.
 * @example
 * ```ts
 * import { webhookTarget } from '@sluice/core'
 *
 * const target = webhookTarget('https://ops.example.com/scale', {
 *   secret: process.env.SCALING_SECRET ?? '',
 *   current: () => fetchReplicaCount(),
 * })
 * ```
 */
export function webhookTarget(url: string | URL, options: WebhookTargetOptions): ScalerTarget {
  checkOptions(options, rules)
  const {
    secret,
    current,
    timeoutMs = 10_000,
    attempts = 3,
    retryMs = 500,
    allowPrivateAddresses = false,
  } = options
  checkOption('secret', rules.secret, secret)
  checkOption('current', rules.current, current)
  const address = webhookUrl(url)
  let requestedAt = 0
  return {
    current,
    async scaleTo(desired, reason, signal) {
      // Increases even between two requests of one millisecond.
      requestedAt = Math.max(Date.now(), requestedAt + 1)
      const body = JSON.stringify({ desired, reason, requestedAt })
      const id = randomUUID()
      const post = () =>
        send({
          url: address,
          body,
          id,
          secret,
          allowPrivateAddresses,
          signal: AbortSignal.any([signal, timeoutSignal(timeoutMs)]),
        })
      for (let attempt = 1; ; attempt += 1) {
        const error = await post()
        if (error === undefined) return
        signal.throwIfAborted()
        if (attempt >= attempts || error.isFinal) {
          throw new ScalingFailedError(
            `The request for ${desired} workers to ${address.origin} failed ${attempt} times: ${error.message}`,
            {
              cause: error.cause,
            },
          )
        }
        await pause(retryMs * 2 ** (attempt - 1), signal)
        signal.throwIfAborted()
      }
    },
  }
}

interface SendError {
  readonly message: string
  readonly cause?: unknown
  /** The same demand would be refused again. */
  readonly isFinal: boolean
}

async function send(post: WebhookPost): Promise<SendError | undefined> {
  try {
    const status = await postWebhook(post)
    return isSuccess(status)
      ? undefined
      : { message: `it responded with status ${status}.`, isFinal: isRefusal(status) }
  } catch (cause) {
    const isFinal = isInstance(cause, PrivateAddressError)
    return { message: errorMessage(cause), cause, isFinal }
  }
}

function isRefusal(status: number): boolean {
  return status >= 300 && status < 500 && status !== 408 && status !== 425 && status !== 429
}
