// What may stand in each form, and what is said when it does not. Values come back as they were, for another try.

/** A field: what it is called, how it looks, and a check that returns what is wrong, or nothing. */
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

/** The form as a template shows it, empty. */
export function emptyForm(...names) {
  return names.map((name) => ({ name, ...FIELDS[name], value: '', error: '' }));
}

/** The form with what was given, and whether that will do. Passwords are not shown again. */
export function checkForm(given, ...names) {
  const values = Object.fromEntries(names.map((name) => [name, given.get(name) ?? '']));
  const fields = emptyForm(...names).map((field) => {
    const value = values[field.name];
    const error = value.length > field.max ? `Use at most ${field.max} characters.` : field.check(value);
    return { ...field, value: field.type === 'password' ? '' : value, error };
  });
  return { values, fields, isGood: fields.every(({ error }) => error === '') };
}

/** The same form with an error that only the whole shows. */
export function withError(fields, name, error) {
  return fields.map((field) => (field.name === name ? { ...field, error } : field));
}
