// @ts-expect-error the file itself, which has no types of its own: its package's name leads back to here
import * as runtime from "../../node_modules/react/jsx-runtime.js";

/**
 * React's runtime with names of this module. React is CommonJS, so each use of a name is a member of an object otherwise:
 * 1,500 times in the script.
 */
export const { Fragment, jsx, jsxs } = runtime;
