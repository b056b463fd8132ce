/**
 * A GPIO line by its name (`GPIO17`), or by the label of its chip and its offset there (`pinctrl-bcm2711/17`): both stay
 * what they are. A bare number does not: it depends on the kernel, and on what else is plugged in.
 */
export const GPIO_LINE_PATTERN = /^(?:[A-Za-z][\w.,:+-]{0,31}|[A-Za-z0-9][\w.,:+-]{0,63}\/\d{1,4})$/;
