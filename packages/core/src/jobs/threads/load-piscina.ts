import type { Piscina } from 'piscina'
import { MissingPackageError } from '../../shared/errors.ts'

/** @throws MissingPackageError. */
export async function loadPiscina(): Promise<typeof Piscina> {
  try {
    return (await import('piscina')).Piscina
  } catch (error) {
    const { code, message = '' } = error as { readonly code?: string; readonly message?: string }
    if (code !== 'ERR_MODULE_NOT_FOUND' || !message.includes("'piscina'")) throw error
    throw new MissingPackageError('threadProcessor', 'piscina', { cause: error })
  }
}
