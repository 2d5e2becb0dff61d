import { Refusal } from '../http/refusal.ts'

export type Body = Readonly<Record<string, unknown>>

const MAX_TEXT = 500

/** @throws Refusal unless all that is there is known: what was meant by the rest is not done silently. */
export function checkFields(body: Body, known: readonly string[]): void {
  const unknown = Object.keys(body).find((name) => !known.includes(name))
  if (unknown !== undefined)
    throw new Refusal('BAD_BODY', `There is no field "${unknown.slice(0, 40)}" here: ${known.join(', ') || 'none'}.`)
}

/** @throws Refusal */
export function textField(body: Body, name: string): string {
  const value = optionalText(body, name)
  if (value === undefined) throw new Refusal('BAD_BODY', `The field "${name}" is missing.`)
  return value
}

/** @throws Refusal */
export function optionalText(body: Body, name: string): string | undefined {
  const value = body[name]
  if (value === undefined) return undefined
  if (typeof value !== 'string' || value === '' || value.length > MAX_TEXT)
    throw new Refusal('BAD_BODY', `The field "${name}" is a text of 1 to ${MAX_TEXT} characters.`)
  return value
}

/** @throws Refusal */
export function optionalInteger(body: Body, name: string, min: number, max: number): number | undefined {
  const value = body[name]
  if (value === undefined) return undefined
  if (!Number.isInteger(value) || (value as number) < min || (value as number) > max)
    throw new Refusal('BAD_BODY', `The field "${name}" is an integer from ${min} to ${max}.`)
  return value as number
}

/** @throws Refusal */
export function optionalBoolean(body: Body, name: string): boolean | undefined {
  const value = body[name]
  if (value !== undefined && typeof value !== 'boolean') throw new Refusal('BAD_BODY', `The field "${name}" is true or false.`)
  return value
}
