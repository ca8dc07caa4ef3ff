/**
 * A module of Node, which Deno and Bun have too, or a package that need not be there. No bundler follows it: a page loads
 * none of them.
 * @throws an Error where there is none
 */
export const load = <Module>(name: string): Promise<Module> => import(/* webpackIgnore: true */ /* @vite-ignore */ name)

/** Whether this is a page or a worker of one: they alone know whether their context is secure. */
export const isBrowser = (): boolean => globalThis.isSecureContext !== undefined
