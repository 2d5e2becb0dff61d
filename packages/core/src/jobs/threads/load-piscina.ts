import type { Piscina } from 'piscina'
import { loadPackage } from '../../shared/load-package.ts'

/** @throws MissingPackageError. */
export async function loadPiscina(): Promise<typeof Piscina> {
  return (await loadPackage('threadProcessor', 'piscina', () => import('piscina'))).Piscina
}
