/** A source with replaced strings. Each patch finds its string exactly once. */
export function patched(text, patches) {
  return patches.reduce((changed, { path, find, replace }) => {
    if (changed.split(find).length !== 2)
      throw new Error(`${path}: expected the mutation's text exactly once: ${find}`)
    return changed.replace(find, () => replace)
  }, text)
}
