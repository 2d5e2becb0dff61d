import type { AdapterClient } from '../attach-client.ts'
import type { SentStatement } from '../sent-statement.ts'

/**
 * Begins a statement whose rows the app receives as events.
 *
 * @param kind - Its name, and another way to send a write, for the message.
 * @returns Reports its end. Only the first call counts.
 * @throws TypeError if it may be sent only later, which a stream cannot express.
 */
export function beginStream(
  client: AdapterClient,
  connection: object,
  sent: Pick<SentStatement<unknown>, 'sql' | 'params'>,
  kind: { readonly name: string; readonly instead: string },
): (error?: unknown) => void {
  const { ready, end } = client.stream(connection, sent)
  if (ready !== undefined) {
    ready.then(() => end(undefined, 0)).catch(() => {})
    throw new TypeError(
      `A ${kind.name} cannot write if other processes must be notified first. Send the statement with ${kind.instead}.`,
    )
  }
  let isOver = false
  return (error) => {
    if (!isOver) void end(error, 0)
    isOver = true
  }
}
