<?php

/**
 * Plesk's one slot for a custom DNS backend: shows who has it, takes it, gives it back.
 *
 * Plesk has no call that reads the slot. Its table is private, so a Plesk without that table is possible: then nobody
 * knows who has the slot, and it is not taken without being told to.
 */
class Modules_Nsbridge_Slot
{
    /** Settings: the command that had the slot before, and whether it gets the input, too. */
    private const PREVIOUS = 'slotPrevious';
    private const PASS_ON = 'slotPassOn';

    /** Setting: what became of the slot; nothing before it was ever had. */
    private const STATE = 'slotState';
    private const TAKEN = 'taken';
    private const GIVEN_BACK = 'given back';
    private const LEFT = 'left to an upgrade or a removal';

    /**
     * Returns the command of this extension, as Plesk stores it.
     */
    public static function command(): string
    {
        return '"' . pm_ProductInfo::getProductRootDir() . '/bin/extension" --exec nsbridge backend.php';
    }

    /**
     * Returns the command that has the slot, or '' if it is free.
     *
     * @throws pm_Exception if that cannot be known
     */
    public static function holder(): string
    {
        $database = pm_Bootstrap::getDbAdapter();
        $select = $database->select()->from('ServiceNodeConfiguration', ['name', 'value'])
            ->where('section = ?', 'dnsConnector');
        try {
            $rows = $database->fetchPairs($select);
        } catch (Exception $error) {
            throw new pm_Exception(pm_Locale::lmsg('slotUnknown', ['cause' => $error->getMessage()]));
        }
        $isOn = isset($rows['custom']) && !in_array($rows['custom'], ['', '0', 'false'], true);
        return $isOn ? trim($rows['custom_script'] ?? '') : '';
    }

    public static function isOurs(): bool
    {
        return self::holder() === self::command();
    }

    /**
     * Takes the slot if it is free, or as an upgrade left it. Returns whether it has the slot.
     */
    public static function claim(): bool
    {
        $holder = self::holder();
        $state = pm_Settings::get(self::STATE);
        $isLeft = $state === self::LEFT && $holder === self::previous();
        if ($state === self::GIVEN_BACK || !in_array($holder, ['', self::command()], true) && !$isLeft) {
            return false;
        }
        self::take($holder);
        return true;
    }

    /**
     * Takes the slot from the named holder, and from no other.
     *
     * @throws pm_Exception if another has it meanwhile
     */
    public static function take(string $from): void
    {
        $holder = self::holder();
        if ($holder !== $from) {
            throw new pm_Exception(pm_Locale::lmsg('slotChanged', ['holder' => $holder]));
        }
        if ($holder !== self::command()) {
            self::register($holder);
        }
        pm_Settings::set(self::STATE, self::TAKEN);
    }

    private static function register(string $holder): void
    {
        // Before the slot is taken, so that the command is not lost if this process ends in between.
        pm_Settings::set(self::PREVIOUS, $holder === '' ? null : $holder);
        pm_ApiCli::call('server_dns', ['--enable-custom-backend', self::command()]);
    }

    /**
     * Gives the slot back to the command that had it, until it is taken again. Does nothing if another has it.
     */
    public static function giveBack(): void
    {
        self::release(self::GIVEN_BACK);
    }

    /**
     * Gives the slot back before an upgrade or a removal: Plesk does not say which of the two it is.
     */
    public static function leave(): void
    {
        self::release(self::LEFT);
    }

    private static function release(string $state): void
    {
        if (!self::isOurs()) {
            return;
        }
        $previous = self::previous();
        if ($previous === '') {
            pm_ApiCli::call('server_dns', ['--disable-custom-backend']);
        } else {
            pm_ApiCli::call('server_dns', ['--enable-custom-backend', $previous]);
        }
        pm_Settings::set(self::STATE, $state);
    }

    /**
     * Returns whether another program has taken the slot away, or emptied it.
     */
    public static function isLost(): bool
    {
        return pm_Settings::get(self::STATE) === self::TAKEN && !self::isOurs();
    }

    /**
     * Returns the command that had the slot before, or ''.
     */
    public static function previous(): string
    {
        return (string) pm_Settings::get(self::PREVIOUS, '');
    }

    public static function passesOn(): bool
    {
        return self::previous() !== '' && pm_Settings::get(self::PASS_ON) === 'yes';
    }

    public static function setPassesOn(bool $isWanted): void
    {
        pm_Settings::set(self::PASS_ON, $isWanted ? 'yes' : null);
    }

    /**
     * Runs the previous command with the same input, and returns its status and what it printed.
     *
     * @param resource $input a file
     */
    public static function passOn($input): array
    {
        return Modules_Nsbridge_Program::execute(self::words(self::previous()), $input);
    }

    /**
     * Splits a command into its words. Double quotes hold a word together, and nothing else has a meaning: what only a
     * shell could run is refused.
     */
    private static function words(string $command): array
    {
        $isPlain = preg_match('/\A(?:[\w.\/:=@%+,-]+|"[\w .\/:=@%+,-]+"|[ \t])+\z/', $command);
        preg_match_all('/(?:"[^"]*"|[^ \t"])+/', $command, $found);
        if (!$isPlain || !$found[0]) {
            throw new pm_Exception(pm_Locale::lmsg('slotNeedsShell', ['command' => $command]));
        }
        return str_replace('"', '', $found[0]);
    }
}
