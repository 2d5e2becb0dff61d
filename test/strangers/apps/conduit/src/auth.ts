import { randomBytes, scryptSync, timingSafeEqual } from 'node:crypto'
import type { Request } from 'express'
import { sign, verify } from 'jsonwebtoken'

const SECRET = process.env.JWT_SECRET ?? 'secret'

/** A response with a status and the errors of the specification. */
export class HttpError extends Error {
  constructor(
    readonly status: number,
    readonly errors: Readonly<Record<string, readonly string[]>> = {},
  ) {
    super(`Status ${status}`)
  }
}

export function tokenOf(userId: number): string {
  return sign({ id: userId }, SECRET, { expiresIn: '60d' })
}

/** The user of a request, or `undefined` for a visitor. */
export function viewerOf(request: Request): number | undefined {
  const [scheme, token] = request.headers.authorization?.split(' ') ?? []
  if (token === undefined || (scheme !== 'Token' && scheme !== 'Bearer')) return undefined
  try {
    return (verify(token, SECRET) as { id: number }).id
  } catch {
    throw new HttpError(401, { token: ['is invalid'] })
  }
}

/** The user of a request that only users may send. */
export function userOf(request: Request): number {
  const viewer = viewerOf(request)
  if (viewer === undefined) throw new HttpError(401, { token: ['is missing'] })
  return viewer
}

/** The field of a body, which must be a string that is not empty. */
export function required(body: Record<string, unknown> | undefined, name: string): string {
  const value = body?.[name]
  if (typeof value !== 'string' || value.trim() === '')
    throw new HttpError(422, { [name]: ["can't be blank"] })
  return value.trim()
}

export function hashOf(password: string, salt = randomBytes(8).toString('hex')): string {
  return `${salt}:${scryptSync(password, salt, 16, { N: 1024 }).toString('hex')}`
}

export function isPassword(password: string, hash: string): boolean {
  return timingSafeEqual(Buffer.from(hashOf(password, hash.split(':')[0])), Buffer.from(hash))
}
