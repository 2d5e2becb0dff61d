import type { ValueTypes } from '@sluice/core'

type DecimalClass = NonNullable<ValueTypes['Decimal']>

let types: ValueTypes = {}
let isLoading = false

/** Begins to load the class of the decimals in Prisma's results: it is the runtime's, whichever client. */
export function loadDecimal(): void {
  if (isLoading) return
  isLoading = true
  void load()
}

/** The classes of values in Prisma's results. Empty until they are loaded: what needs one is then asked of the database. */
export function valueTypes(): ValueTypes {
  return types
}

async function load(): Promise<void> {
  // Prisma 7, and 6.
  for (const runtime of ['@prisma/client/runtime/client', '@prisma/client/runtime/library']) {
    try {
      const { Decimal } = (await import(runtime)) as { readonly Decimal?: DecimalClass }
      if (Decimal === undefined) continue
      types = { Decimal }
      return
    } catch {
      // This version has it elsewhere.
    }
  }
}
