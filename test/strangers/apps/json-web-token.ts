import { createHmac } from 'node:crypto'

/** A token that is signed by HS256. */
export function jsonWebToken(payload: object, secret: string | Buffer, header: object = {}): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const signed = `${part({ alg: 'HS256', typ: 'JWT', ...header })}.${part(payload)}`
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`
}
