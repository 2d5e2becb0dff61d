let checkout

export function initialize(data) {
  checkout = data.checkout
}

export function resolve(specifier, context, next) {
  const library = new URL('dist/index.js', checkout).href
  if (specifier === 'kysely-of-checkout') return { url: library, shortCircuit: true }
  const isOfTest = context.parentURL?.startsWith(new URL('test/', checkout).href) === true
  if (isOfTest && specifier.endsWith('/dist/index.js'))
    return { url: new URL('./kysely-facade.mjs', import.meta.url).href, shortCircuit: true }
  return next(specifier, context)
}
