// The forms of the site: their fields, the check of each, and the error messages. Entered values are shown again.

/** The fields: label, input type, and a check that returns an error message or an empty string. */
const FIELDS = {
  name: {
    label: 'Name',
    autocomplete: 'username',
    max: 32,
    check: (value) =>
      /^[\p{L}\p{N}_.-]{3,32}$/u.test(value) ? '' : 'Use 3 to 32 letters, digits, dots, dashes or underscores.',
  },
  password: {
    label: 'Password',
    type: 'password',
    autocomplete: 'current-password',
    max: 128,
    check: (value) => (value === '' ? 'Enter your password.' : ''),
  },
  newPassword: {
    label: 'Password',
    type: 'password',
    autocomplete: 'new-password',
    hint: 'At least 10 characters.',
    max: 128,
    check: (value) => (value.length >= 10 ? '' : 'Use at least 10 characters.'),
  },
  email: {
    label: 'Email',
    type: 'email',
    autocomplete: 'email',
    max: 254,
    check: (value) =>
      /^[^\s@]+@[^\s@.]+(?:\.[^\s@.]+)+$/.test(value) ? '' : 'Enter an address such as ada@example.org.',
  },
  message: {
    label: 'Message',
    type: 'textarea',
    max: 2_000,
    check: (value) => (value.trim() === '' ? 'Write a message.' : ''),
  },
};

/** An empty form for the template. */
export function emptyForm(...names) {
  return names.map((name) => ({ name, ...FIELDS[name], value: '', error: '' }));
}

/** Checks a posted form; returns it with its errors for the template. Passwords are not shown again. */
export function checkForm(given, ...names) {
  const values = Object.fromEntries(names.map((name) => [name, given.get(name) ?? '']));
  const fields = emptyForm(...names).map((field) => {
    const value = values[field.name];
    const error = value.length > field.max ? `Use at most ${field.max} characters.` : field.check(value);
    return { ...field, value: field.type === 'password' ? '' : value, error };
  });
  return { values, fields, isGood: fields.every(({ error }) => error === '') };
}

/** Adds an error to a field, for a check that needs more than the form. */
export function withError(fields, name, error) {
  return fields.map((field) => (field.name === name ? { ...field, error } : field));
}
